/** What one consumer knows of its place in its group. Times are of the monotonic clock, in milliseconds. */
export class Membership {
  private memberId: string | null = null;
  private outSinceMs: number | null = null;
  /**
   * When the group was last asked what it then answered. kafkajs tells of no end of a membership that it cannot reach: once
   * this is older than the session timeout, others may have its partitions.
   */
  private heardAtMs = 0;

  constructor(private readonly sessionTimeoutMs: number) {}

  get hasJoined(): boolean {
    return this.memberId !== null;
  }

  /** Whether the group surely takes this member for alive. */
  isAlive(nowMs: number): boolean {
    return nowMs - this.heardAtMs < this.sessionTimeoutMs;
  }

  /** For how long the consumer has been out of its group; 0 while it is in it, or has never been. */
  outForMs(nowMs: number): number {
    if (this.outSinceMs !== null) return nowMs - this.outSinceMs;
    const silentMs = this.hasJoined ? nowMs - this.heardAtMs : 0;
    return silentMs > this.sessionTimeoutMs ? silentMs : 0;
  }

  /** The group has answered what it was asked at `askedAtMs`. */
  heard(askedAtMs: number): void {
    this.heardAtMs = askedAtMs;
  }

  /** The group rebalances, or the consumer has crashed. */
  left(nowMs: number): void {
    this.outSinceMs ??= nowMs;
  }

  /** Returns whether it came in under another id than before: the group had given the former one up, and its partitions to others. */
  joined(memberId: string, nowMs: number): boolean {
    const isAnother = memberId !== this.memberId;
    this.memberId = memberId;
    // The answer may have waited for a process that was frozen: only from when it was asked for is sure. kafkajs may rejoin
    // without a word (its metadata was stale); what a new member has, it has still to claim.
    const askedAtMs = this.outSinceMs ?? (isAnother ? nowMs : -Infinity);
    this.heardAtMs = Math.max(this.heardAtMs, askedAtMs);
    this.outSinceMs = null;
    return isAnother;
  }
}
