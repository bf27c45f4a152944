/** Fetches that must bring a batch unreadable before it counts as that, and how far apart they are. */
const FETCHES = 3;
const APART_MS = 1_000;

/** How often in a row one batch of a partition could not be read: a fetch may have been damaged on its way. */
export class BatchFault {
  private offset = -1;
  private fetches = 0;
  private lastMs = -Infinity;

  /**
   * The batch at `offset` cannot be read. Returns for how long to wait for another fetch; 0 where it is certain by now.
   */
  seen(offset: number, nowMs: number): number {
    if (offset !== this.offset) {
      this.offset = offset;
      this.fetches = 0;
      this.lastMs = -Infinity;
    }
    const tooEarlyMs = this.lastMs + APART_MS - nowMs;
    if (tooEarlyMs > 0) return tooEarlyMs;
    this.lastMs = nowMs;
    this.fetches++;
    return this.fetches >= FETCHES ? 0 : APART_MS;
  }
}
