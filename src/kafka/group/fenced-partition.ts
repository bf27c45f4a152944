/** A commit was not sent, since the assignment that it was made for is over. */
class AssignmentOver extends Error {
  override readonly name = 'AssignmentOver';
  /** kafkajs repeats no commit that fails with this. */
  readonly retriable = false;
}

/**
 * A partition number in a commit that may only be sent during one assignment.
 *
 * kafkajs sends a commit in the generation that its member is in at that moment, and `commitOffsets` repeats it in
 * later generations too. A claim that is sent so late would overwrite the next owner's. So this object stands for the
 * number: kafkajs reads it right before each commit's bytes are written (2.2.4, protocol/requests/offsetCommit), and it
 * throws once the assignment is over.
 */
export class FencedPartition {
  constructor(
    private readonly partition: number,
    private readonly assignment: AbortSignal,
  ) {}

  /** @throws AssignmentOver */
  valueOf(): number {
    if (this.assignment.aborted) throw new AssignmentOver('the assignment is over');
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
