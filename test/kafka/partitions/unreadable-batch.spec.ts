import type { IncomingRecord } from '../../../src/contract/record';
import type { UnreadableBatch } from '../../../src/kafka/batches/pieces';
import { NO_HEADERS } from '../../../src/kafka/batches/records';
import { AssignedPartition } from '../../../src/kafka/partitions/assigned-partition';
import { IntakeBudget } from '../../../src/kafka/partitions/intake-budget';

const BATCH: UnreadableBatch = {
  firstOffset: 5,
  lastOffset: 9,
  bytes: Buffer.from([1, 200]),
  timestampMs: 7,
  why: 'its checksum is wrong',
  mayRecover: true,
};
const record = (offset: number) => ({
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.from('{}'),
  headers: NO_HEADERS,
});

/** A partition that is read from the offset that is committed, at a time that the test sets. */
function world(committed = 5) {
  const time = { nowMs: 1_000 };
  const budget = new IntakeBudget({ maxCommands: 10, maxBytes: 1_000_000 });
  const clock = {
    wallMs: () => time.nowMs,
    monotonicMs: () => time.nowMs,
    after: () => () => undefined,
    soon: () => undefined,
  };
  const source = new AssignedPartition(
    't',
    3,
    { keys: new Map() },
    {
      clock,
      budget,
      changed: () => undefined,
      isConsumerAlive: () => true,
      due: () => null,
    },
  );
  source.open({ offset: committed, done: [] }, 'tag');
  const taken: { record: IncomingRecord; done: () => void }[] = [];
  const take = (batch: UnreadableBatch = BATCH): boolean => {
    source.fetched(20);
    return source.takeUnreadable(batch, (each, _, done) => taken.push({ record: each, done }));
  };
  return { source, taken, take, time, budget };
}

describe('a batch that cannot be read', () => {
  it('is taken at the third fetch that brings it, a second apart; until then the partition is paused', () => {
    const { source, taken, take, time } = world();
    for (const fetches of [1, 2]) {
      expect(take()).toBe(false);
      expect(source.wantsPause(false)).toBe(true);
      time.nowMs += 999;
      expect(take()).toBe(false);
      expect(source.wantsPause(false)).toBe(true);
      time.nowMs += 1;
      expect(source.wantsPause(true)).toBe(false);
      expect(taken).toEqual([]);
      expect(fetches).toBeLessThan(3);
    }
    expect(take()).toBe(true);
    expect(taken).toHaveLength(1);
  });

  it('counts anew where another one came between', () => {
    const { taken, take, time } = world();
    for (let fetch = 0; fetch < 6; fetch++) {
      expect(take({ ...BATCH, firstOffset: 5 + (fetch % 2) })).toBe(false);
      time.nowMs += 1_000;
    }
    expect(taken).toEqual([]);
  });

  it('is one record of its bytes, named by its first offset; its offsets are committed once it is done', () => {
    const { source, taken, take, budget } = world();
    expect(take({ ...BATCH, mayRecover: false })).toBe(true);
    const [only] = taken;
    expect(only?.record).toMatchObject({ offset: 5, key: 't/3/5', value: '\u0001\u00c8', timestampMs: 7, headers: {} });
    expect(source.ledger.nextCommit()).toBeNull();
    expect(budget.commands).toBe(1);
    only?.done();
    expect(budget).toMatchObject({ commands: 0, bytes: 0 });
    expect(source.ledger.nextCommit()).toMatchObject({ base: 10, done: [] });
    expect(source.lag).toBe(10);
  });

  it('is taken from where it is committed, and once', () => {
    const { source, taken, take } = world(7);
    const certain = { ...BATCH, mayRecover: false };
    expect([take(certain), take(certain)]).toEqual([true, true]);
    expect(taken.map((each) => each.record.offset)).toEqual([5]);
    taken[0]?.done();
    expect(source.ledger.nextCommit()).toMatchObject({ base: 10 });
  });

  it('waits where too much lies before it', () => {
    const { source, taken, take } = world(0);
    source.take([record(0)], () => undefined);
    const far = { ...BATCH, firstOffset: 30_000, lastOffset: 30_009, mayRecover: false };
    expect(take(far)).toBe(false);
    expect(source.isHeldBack).toBe(true);
    expect(source.wantsPause(true)).toBe(true);
    expect(taken).toEqual([]);
    source.ledger.settle(0);
    expect(source.isHeldBack).toBe(false);
    expect(take(far)).toBe(true);
  });
});

describe('a gap behind an open command', () => {
  it('pauses the partition, which costs nothing', () => {
    const { source } = world(0);
    source.take([record(0)], () => undefined);
    source.pass(30_001);
    expect(source.take([record(30_001)], () => undefined)).toBeNull();
    expect(source.isHeldBack).toBe(true);
    expect(source.wantsPause(false)).toBe(true);
    source.ledger.settle(0);
    expect(source.wantsPause(true)).toBe(false);
    expect(source.take([record(30_001)], () => undefined)).toBe(30_001);
  });
});
