/** A commit was not sent: the assignment that it was made for is over, or it was sent before. */
class CommitFenced extends Error {
  override readonly name = 'CommitFenced';
  /** kafkajs repeats no commit that fails with this. */
  readonly retriable = false;
}

/**
 * A partition number in a commit that may only be sent once, and only during one assignment.
 *
 * kafkajs sends a commit in the generation that its member is in at that moment, and `commitOffsets` repeats it, in
 * later generations too. A claim that is sent so late would overwrite the next owner's. So would a release that is sent
 * again because only its answer was lost: the next owner may have claimed the partition after the first one. So this
 * object stands for the number: kafkajs reads it while it writes a commit's bytes, in one turn (2.2.4,
 * protocol/requests/offsetCommit). It throws once the assignment is over, and in every later commit.
 */
export class FencedPartition {
  private isBeingSent = false;
  private isSent = false;

  constructor(
    private readonly partition: number,
    private readonly assignment: AbortSignal,
  ) {}

  /** @throws CommitFenced */
  valueOf(): number {
    if (this.assignment.aborted) throw new CommitFenced('the assignment is over');
    if (this.isSent) throw new CommitFenced('the commit was sent before, and is not known to have failed');
    if (!this.isBeingSent) queueMicrotask(() => (this.isSent = true));
    this.isBeingSent = true;
    return this.partition;
  }

  /** kafkajs uses this as a key, when it remembers committed offsets. */
  toString(): string {
    return String(this.partition);
  }

  /** This object, typed as the number that kafkajs' types ask for. */
  asNumber(): number {
    return this as unknown as number;
  }
}
