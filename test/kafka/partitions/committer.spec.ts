import type { AssignedPartition } from '../../../src/kafka/partitions/assigned-partition';
import { Committer, type OffsetsToCommit } from '../../../src/kafka/partitions/committer';
import { PartitionLedger } from '../../../src/offsets/partition-ledger';
import { FakeClock } from '../../dispatch/fixtures';

const INTERVAL_MS = 1_000;
const AT_ONCE = 8;

class Bed {
  readonly clock = new FakeClock();
  /** The offsets that were committed, in order. */
  readonly commits: string[] = [];
  readonly failures: unknown[] = [];
  readonly marks: (readonly number[])[] = [];
  isInGroup = true;
  isRefused = false;
  readonly ledger = new PartitionLedger(0);
  private next = 0;
  private readonly source = {
    topic: 't',
    partition: 0,
    isOwned: true,
    ownerTag: 'tag',
    ledger: this.ledger,
    commitMark: () => [this.next],
    committed: (_nowMs: number, mark: readonly number[]) => void this.marks.push(mark),
  } as unknown as AssignedPartition;
  private readonly committer = new Committer({
    clock: this.clock,
    currentCommit: () => (this.isInGroup ? (offsets) => this.send(offsets) : null),
    intervalMs: INTERVAL_MS,
    atOnce: AT_ONCE,
    onCommitted: () => undefined,
    onFailed: (error) => void this.failures.push(error),
  });

  settle(count: number): void {
    for (let n = 0; n < count; n++) {
      this.ledger.take(this.next);
      this.ledger.settle(this.next++);
      this.committer.touch(this.source);
    }
  }

  private send({ topics }: OffsetsToCommit): Promise<void> {
    if (this.isRefused) return Promise.reject(new Error('refused'));
    this.commits.push(topics[0]?.partitions[0]?.offset ?? '');
    return Promise.resolve();
  }
}

describe('the commits of a consumer', () => {
  it('keep their distance, but not once so many commands are settled as must not be unrecorded', async () => {
    const bed = new Bed();
    bed.settle(1);
    await bed.clock.pass(1);
    bed.settle(AT_ONCE - 1);
    await bed.clock.pass(INTERVAL_MS / 2);
    expect(bed.commits).toEqual(['1']);
    bed.settle(1);
    await bed.clock.pass(1);
    expect(bed.commits).toEqual(['1', String(AT_ONCE + 1)]);
    expect(bed.marks).toEqual([[1], [AT_ONCE + 1]]);
  });

  it('wait for the consumer to be in its group, though nothing more is settled', async () => {
    const bed = new Bed();
    bed.isInGroup = false;
    bed.settle(3);
    await bed.clock.pass(5 * INTERVAL_MS);
    expect([bed.commits, bed.failures]).toEqual([[], []]);
    bed.isInGroup = true;
    await bed.clock.pass(INTERVAL_MS);
    expect(bed.commits).toEqual(['3']);
  });

  it('are made anew when they fail, at their distance, and mark nothing as committed until one is taken', async () => {
    const bed = new Bed();
    bed.isRefused = true;
    bed.settle(3 * AT_ONCE);
    await bed.clock.pass(3 * INTERVAL_MS + 10);
    expect(bed.failures).toHaveLength(4);
    expect(bed.marks).toEqual([]);
    bed.isRefused = false;
    await bed.clock.pass(INTERVAL_MS);
    expect(bed.commits).toEqual([String(3 * AT_ONCE)]);
    expect(bed.ledger.nextCommit()).toBeNull();
  });
});
