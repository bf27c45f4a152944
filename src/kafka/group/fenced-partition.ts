/** A commit was not sent, since the assignment that it was right for is over. */
class AssignmentOver extends Error {
  override readonly name = 'AssignmentOver';
  /** Tells kafkajs not to repeat it. */
  readonly retriable = false;
}

/**
 * A partition in a commit that is right for one assignment alone. kafkajs sends a commit in the generation that its member is
 * in by then, and `commitOffsets` repeats one in whatever generation that is: a claim would overwrite that of the next owner.
 * An object in place of the number is asked each time, right before the bytes are written (kafkajs 2.2.4,
 * protocol/requests/offsetCommit), and throws once the assignment is over.
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

  /** For where kafkajs notes what was committed. */
  toString(): string {
    return String(this.partition);
  }

  /** As the number that kafkajs' types ask for. */
  asNumber(): number {
    return this as unknown as number;
  }
}
