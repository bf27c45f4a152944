import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES, MAX_SPAN } from '../../src/offsets/commit-metadata';
import { type LedgerCommit, PartitionLedger } from '../../src/offsets/partition-ledger';

const OWNERSHIP = { owner: 'x'.repeat(22), state: 'active' } as const;

/** What the broker stores of a commit. */
interface Stored {
  readonly offset: number;
  readonly metadata: string;
}

/**
 * One partition with several owners in turn, and what must hold at every step. Offsets are `log`, which has gaps. The
 * ledger of a restarted owner knows only the broker's commit. The ledger of a returning owner also knows the offsets
 * that are still in hand.
 */
class World {
  private ledger = new PartitionLedger(null);
  private stored: Stored | null = null;
  private pending: { ledger: PartitionLedger; commit: LedgerCommit; stored: Stored } | null = null;
  private readAt = 0;
  /** Offsets that the present process has in hand: neither settled nor given up. */
  private readonly inHand = new Set<number>();
  /** Offsets that the present process has settled, committed or not. */
  private readonly settledHere = new Set<number>();
  readonly settled = new Set<number>();
  private readonly handedOut = new Set<number>();

  constructor(readonly log: readonly number[]) {}

  read(count: number): void {
    for (let i = 0; i < count; i++) {
      const offset = this.log[this.readAt];
      if (offset === undefined) return;
      const taken = this.ledger.take(offset);
      if (taken === 'full') return;
      this.readAt++;
      if (taken === 'new') {
        assert(!this.handedOut.has(offset), `${offset} is handed out twice`);
        assert(!this.settledHere.has(offset), `${offset} was settled by this process and is handed out again`);
        assert(!this.storedAsDone().includes(offset), `${offset} is done and handed out again`);
        this.handedOut.add(offset);
        this.inHand.add(offset);
      } else {
        assert(this.inHand.has(offset) || this.settled.has(offset), `${offset} is skipped`);
      }
      // A gap or a marker behind it, which a fetch may tell or not.
      if (offset % 3 === 0) this.ledger.pass(this.log[this.readAt] ?? offset + 1);
    }
  }

  /** Reads some records again, as happens after a rebalance. */
  rewind(count: number): void {
    this.readAt = Math.max(this.firstIndex(this.stored?.offset ?? 0), this.readAt - count);
  }

  settle(pick: number): void {
    const offsets = [...this.inHand];
    const offset = offsets[pick % Math.max(1, offsets.length)];
    if (offset === undefined) return;
    this.inHand.delete(offset);
    this.settled.add(offset);
    this.settledHere.add(offset);
    this.ledger.settle(offset);
    this.ledger.settle(offset);
  }

  commit(answer: 'succeeds' | 'fails' | 'is delayed'): void {
    if (this.pending !== null) this.finishCommit('succeeds');
    const commit = this.ledger.nextCommit();
    if (commit === null) return;
    const stored = { offset: commit.base, metadata: encodeMetadata({ ...commit, ...OWNERSHIP }) };
    assert(Buffer.byteLength(stored.metadata) <= MAX_METADATA_BYTES, 'the metadata is too long');
    const committed = [...this.log.filter((offset) => offset < commit.base), ...commit.done];
    for (const offset of committed) assert(this.settled.has(offset), `${offset} is committed and not settled`);
    this.pending = { ledger: this.ledger, commit, stored };
    if (answer !== 'is delayed') this.finishCommit(answer);
  }

  finishCommit(answer: 'succeeds' | 'fails'): void {
    if (this.pending === null) return;
    const { ledger, commit, stored } = this.pending;
    this.pending = null;
    if (answer === 'fails') return;
    this.stored = stored;
    ledger.committed(commit);
  }

  /** The process dies, and another one reads on from the commit. */
  restart(): void {
    this.pending = null;
    this.inHand.clear();
    this.settledHere.clear();
    this.reopen(new PartitionLedger(null));
  }

  /**
   * The partition is lost: a last commit is tried, some offsets are given up, the others stay on the wire. Later the
   * partition comes back.
   */
  revokeAndReturn(givenUp: number): void {
    this.commit(givenUp % 2 === 0 ? 'succeeds' : 'fails');
    for (const offset of [...this.inHand].slice(-givenUp || Infinity)) {
      this.inHand.delete(offset);
      this.ledger.forget(offset);
    }
    assert.deepEqual(new Set(this.ledger.openOffsets()), this.inHand);
    this.reopen(this.ledger);
  }

  /** Everything is read, settled and committed. Returns what is left. */
  finish(): { settled: number[]; committed: number; open: number[]; next: LedgerCommit | null } {
    for (let rounds = 0; rounds < 1000 && (this.readAt < this.log.length || this.inHand.size > 0); rounds++) {
      this.read(100);
      for (const offset of this.inHand) {
        this.settled.add(offset);
        this.ledger.settle(offset);
      }
      this.inHand.clear();
    }
    this.commit('succeeds');
    const settled = [...this.settled].sort((a, b) => a - b);
    const { ledger } = this;
    return { settled, committed: this.stored?.offset ?? 0, open: ledger.openOffsets(), next: ledger.nextCommit() };
  }

  private reopen(before: PartitionLedger): void {
    const offset = this.stored?.offset ?? null;
    this.ledger = before.successor(offset, this.storedAsDone());
    this.readAt = this.firstIndex(offset ?? 0);
    this.handedOut.clear();
    for (const inHand of this.inHand) this.handedOut.add(inHand);
  }

  private storedAsDone(): readonly number[] {
    if (this.stored === null) return [];
    const decoded = decodeMetadata(this.stored.metadata, this.stored.offset);
    if (decoded.kind !== 'ours') throw new Error(decoded.reason);
    return decoded.done;
  }

  private firstIndex(offset: number): number {
    const index = this.log.findIndex((each) => each >= offset);
    return index === -1 ? this.log.length : index;
  }
}

const step: fc.Arbitrary<(world: World) => void> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(20).map((count) => (world: World) => world.read(count)) },
  { weight: 12, arbitrary: fc.nat().map((pick) => (world: World) => world.settle(pick)) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('succeeds', 'fails', 'is delayed')
      .map((answer) => (world: World) => world.commit(answer)),
  },
  { weight: 1, arbitrary: fc.nat(30).map((count) => (world: World) => world.rewind(count)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('succeeds', 'fails').map((answer) => (world: World) => world.finishCommit(answer)),
  },
  { weight: 1, arbitrary: fc.constant((world: World) => world.restart()) },
  { weight: 1, arbitrary: fc.nat(10).map((count) => (world: World) => world.revokeAndReturn(count)) },
);

const log = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 30_000 }) },
    ),
    {
      maxLength: 200,
    },
  )
  .map((gaps) => gaps.reduce<number[]>((offsets, gap) => [...offsets, (offsets.at(-1) ?? -1) + gap], []));

describe('PartitionLedger', () => {
  it('never commits past an open offset, repeats nothing that is committed as done, and loses nothing', () => {
    fc.assert(
      fc.property(log, fc.array(step, { maxLength: 200 }), (offsets, steps) => {
        const world = new World(offsets);
        for (const run of steps) run(world);
        const end = (offsets.at(-1) ?? -1) + 1;
        expect(world.finish()).toEqual({ settled: offsets, committed: end, open: [], next: null });
      }),
      { numRuns: 500 },
    );
  });

  it('commits up to where all offsets are done, and names the done offsets beyond', () => {
    const ledger = new PartitionLedger(10);
    for (const offset of [10, 11, 14, 15]) ledger.take(offset);
    ledger.settle(14);
    ledger.settle(10);
    expect(ledger.nextCommit()).toMatchObject({ base: 11, done: [14] });
    ledger.settle(11);
    expect(ledger.nextCommit()).toMatchObject({ base: 15, done: [] });
  });

  it('steps over what is no record, as soon as all before it is done', () => {
    const ledger = new PartitionLedger(0);
    ledger.take(0);
    ledger.take(1);
    ledger.pass(3);
    ledger.settle(1);
    expect(ledger.nextCommit()).toMatchObject({ base: 0, done: [1] });
    ledger.settle(0);
    expect(ledger.nextCommit()).toMatchObject({ base: 3, done: [] });
    ledger.committed(ledger.state()!);
    ledger.pass(2);
    expect(ledger.nextCommit()).toBeNull();
    ledger.pass(50_000);
    expect(ledger.nextCommit()).toMatchObject({ base: 50_000, done: [] });
  });

  it('tells what is left far behind an open command, until that is done', () => {
    const ledger = new PartitionLedger(0);
    ledger.take(0);
    ledger.pass(30_001);
    expect(ledger.take(30_001)).toBe('full');
    expect(ledger.isFar(30_001)).toBe(true);
    ledger.settle(0);
    expect(ledger.isFar(30_001)).toBe(false);
    expect(ledger.take(30_001)).toBe('new');
  });

  it('has nothing to commit after a commit that succeeded, but commits again after one that failed', () => {
    const ledger = new PartitionLedger(0);
    ledger.take(0);
    expect(ledger.nextCommit()).toBeNull();
    ledger.settle(0);
    const commit = ledger.nextCommit();
    expect(ledger.nextCommit()).toEqual(commit);
    if (commit !== null) ledger.committed(commit);
    expect(ledger.nextCommit()).toBeNull();
  });

  it('sees a completion that happened while a commit was on its way', () => {
    const ledger = new PartitionLedger(0);
    ledger.take(0);
    ledger.take(1);
    ledger.settle(0);
    const commit = ledger.nextCommit();
    ledger.settle(1);
    if (commit !== null) ledger.committed(commit);
    expect(ledger.nextCommit()).toMatchObject({ base: 2, done: [] });
  });

  it('is full if it could not remember one more done offset, until the oldest open one is done', () => {
    const ledger = new PartitionLedger(0);
    ledger.take(0);
    expect(ledger.take(MAX_SPAN - 1)).toBe('new');
    expect(ledger.take(MAX_SPAN)).toBe('full');
    ledger.settle(0);
    expect(ledger.take(MAX_SPAN)).toBe('new');
  });

  it('keeps the metadata within its limit at the full span', () => {
    const ledger = new PartitionLedger(0);
    for (let offset = 0; offset < MAX_SPAN; offset++) ledger.take(offset);
    for (let offset = 1; offset < MAX_SPAN; offset++) ledger.settle(offset);
    const commit = ledger.nextCommit();
    expect(commit?.base).toBe(0);
    expect(Buffer.byteLength(commit === null ? '' : encodeMetadata({ ...commit, ...OWNERSHIP }))).toBeLessThanOrEqual(
      MAX_METADATA_BYTES,
    );
  });

  it('skips offsets still on the wire from an earlier time as owner, settled before or after the new read', () => {
    const ledger = new PartitionLedger(0, [], [1, 3]);
    expect([0, 1, 2].map((offset) => ledger.take(offset))).toEqual(['new', 'known', 'new']);
    ledger.settle(3);
    ledger.settle(1);
    expect(ledger.nextCommit()).toMatchObject({ base: 0, done: [1, 3] });
    expect(ledger.take(3)).toBe('known');
  });

  it('still knows the offsets on the wire if the partition is lost twice before it is read again', () => {
    const first = new PartitionLedger(0);
    first.take(0);
    const second = new PartitionLedger(0, [], first.openOffsets());
    const third = new PartitionLedger(0, [], second.openOffsets());
    expect(third.take(0)).toBe('known');
  });

  it('keeps settled offsets whose commit failed, and commits them when the partition has come back', () => {
    const first = new PartitionLedger(0);
    [0, 1, 2, 3].map((offset) => first.take(offset));
    [0, 2].map((offset) => first.settle(offset));
    const second = first.successor(0, []);
    expect(second.nextCommit()).toMatchObject({ base: 1, done: [2] });
    expect([0, 1, 2, 3, 4].map((offset) => second.take(offset))).toEqual(['known', 'known', 'known', 'known', 'new']);
    expect(second.openOffsets()).toEqual([1, 3, 4]);
  });

  it('forgets settled offsets if the group has gone back behind its commits', () => {
    const first = new PartitionLedger(5);
    first.take(5);
    first.settle(5);
    expect([0, 5].map((offset) => first.successor(0, []).take(offset))).toEqual(['new', 'new']);
    expect(first.successor(null, []).take(5)).toBe('new');
  });

  it('hands out again an offset on the wire that was given up before it was read again', () => {
    const ledger = new PartitionLedger(0, [], [0]);
    ledger.forget(0);
    expect(ledger.openOffsets()).toEqual([]);
    expect(ledger.take(0)).toBe('new');
  });

  it('does not treat an offset that was done before as new if it is read late', () => {
    const ledger = new PartitionLedger(0, [2]);
    expect([0, 3, 2].map((offset) => ledger.take(offset))).toEqual(['new', 'new', 'known']);
  });
});
