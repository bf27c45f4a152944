/** Lets one in at a time, in the order in which they came. */
export class OneAtATime {
  private last: Promise<void> = Promise.resolve();

  /** Resolves once it is the caller's turn, to what ends that turn. */
  async enter(): Promise<() => void> {
    const before = this.last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.last = promise;
    await before;
    return resolve;
  }
}
