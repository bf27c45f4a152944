/** Commands of a process that has just made its first call, from their call until their outcome is acknowledged. */
const FIRST = 4;
/** From the first call on; calls that hang hold back the others no longer. */
const AT_MOST_MS = 1_000;
/**
 * For each outcome that is acknowledged. More than one, since partitions that have just moved stand still meanwhile.
 */
const STEP = 4;

/**
 * Limits how many commands of a new process are called and not written down yet. Its code is not compiled, and its
 * connections not made: were all slots filled at once, the first answers would wait for the last call, and a crash
 * would
 * repeat all of them. Every outcome that is acknowledged makes room for more, until the usual limit is reached or a
 * second has
 * passed since the first call.
 */
export class SlowStart {
  private most = FIRST;
  private endMs: number | null = null;

  /** @param fullLimit where it ends; 0 for none of it */
  constructor(private readonly fullLimit: number) {}

  get isOver(): boolean {
    return this.most >= this.fullLimit;
  }

  /** How long another call has to wait beside `unwritten` commands; 0 where it may begin. */
  waitMs(unwritten: number, nowMs: number): number {
    if (this.isOver) return 0;
    this.endMs ??= nowMs + AT_MOST_MS;
    if (nowMs >= this.endMs) this.most = this.fullLimit;
    return unwritten < this.most ? 0 : this.endMs - nowMs;
  }

  /** An outcome is acknowledged. */
  written(): void {
    this.most += STEP;
  }
}
