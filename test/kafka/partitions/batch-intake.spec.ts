import { systemClock } from '../../../src/dispatch/clock';
import type { Piece } from '../../../src/kafka/batches/pieces';
import { NO_HEADERS } from '../../../src/kafka/batches/records';
import { AssignedPartition } from '../../../src/kafka/partitions/assigned-partition';
import { RECORDS_PER_TURN, takeInTurns } from '../../../src/kafka/partitions/batch-intake';
import { IntakeBudget } from '../../../src/kafka/partitions/intake-budget';

const COUNT = RECORDS_PER_TURN * 3 + 5;
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

async function* pieces(): AsyncGenerator<Piece> {
  await Promise.resolve();
  for (let from = 0; from < COUNT; from += RECORDS_PER_TURN) {
    const offsets = range(from, Math.min(COUNT, from + RECORDS_PER_TURN));
    const records = offsets.map((offset) => ({
      key: null,
      value: Buffer.from('{}'),
      timestampMs: 0,
      offset,
      headers: NO_HEADERS,
    }));
    yield { kind: 'records', records };
  }
}

/** A partition of a replica that reads from its first record, and the offsets that it has handed over. */
function world() {
  const source = new AssignedPartition(
    't',
    0,
    { keys: new Map() },
    {
      clock: systemClock,
      budget: new IntakeBudget({ maxCommands: 1_000, maxBytes: 1_000_000 }),
      changed: () => undefined,
      isConsumerAlive: () => true,
      due: () => null,
    },
  );
  source.open({ offset: null, done: [] }, 'tag');
  const handed: number[] = [];
  const take = (piece: Piece): boolean => {
    if (piece.kind !== 'records') return true;
    return source.take(piece.records, ({ offset }) => handed.push(offset)) === piece.records.at(-1)?.offset;
  };
  return { source, handed, take };
}

describe('taking in a batch', () => {
  it('hands over all records in order, and lets the event loop run in between', async () => {
    const { source, handed, take } = world();
    const between: number[] = [];
    const watch = (): void => {
      between.push(handed.length);
      if (handed.length < COUNT) setImmediate(watch);
    };
    setImmediate(watch);
    await takeInTurns(source, pieces(), take, () => true);
    expect(handed).toEqual(range(0, COUNT));
    expect(between.slice(0, 3)).toEqual([1, 2, 3].map((turns) => turns * RECORDS_PER_TURN));
  });

  it('ends if no more records may be taken', async () => {
    const { source } = world();
    let turns = 0;
    await takeInTurns(
      source,
      pieces(),
      () => ++turns < 2,
      () => true,
    );
    expect(turns).toBe(2);
  });

  it('ends if the partition is lost', async () => {
    const { source, handed, take } = world();
    setImmediate(() => source.lose());
    await takeInTurns(source, pieces(), take, () => true);
    expect(handed).toEqual(range(0, RECORDS_PER_TURN));
  });

  it('leaves no record out if the partition is lost and comes back meanwhile', async () => {
    const { source, handed, take } = world();
    setImmediate(() => {
      source.lose();
      for (const offset of handed) source.forgotten({ ...RECORD, offset });
      source.reopen();
      source.open({ offset: 0, done: [] }, 'tag');
    });
    await takeInTurns(source, pieces(), take, () => true);
    expect(handed).toEqual(range(0, RECORDS_PER_TURN));
    handed.length = 0;
    await takeInTurns(source, pieces(), take, () => true);
    expect(handed).toEqual(range(0, COUNT));
  });
});

const RECORD = { topic: 't', partition: 0, timestampMs: 0, key: null, value: '{}', headers: {} };
