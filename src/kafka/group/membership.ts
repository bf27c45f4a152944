/** What one consumer knows of its membership in its group. Times are of the monotonic clock, in milliseconds. */
export class Membership {
  private memberId: string | null = null;
  private outSinceMs: number | null = null;
  /**
   * When the last request was sent that the group has answered. kafkajs does not report that a membership has ended if
   * it cannot reach the group. Once this is older than the session timeout, other members may have the partitions.
   */
  private heardAtMs = 0;

  constructor(private readonly sessionTimeoutMs: number) {}

  get hasJoined(): boolean {
    return this.memberId !== null;
  }

  /** Whether it is certain that the group takes this member for alive. */
  isAlive(nowMs: number): boolean {
    return nowMs - this.heardAtMs < this.sessionTimeoutMs;
  }

  /** How long the consumer has been out of its group. 0 while it is in the group, or if it has never been. */
  outForMs(nowMs: number): number {
    if (this.outSinceMs !== null) return nowMs - this.outSinceMs;
    const silentMs = this.hasJoined ? nowMs - this.heardAtMs : 0;
    return silentMs > this.sessionTimeoutMs ? silentMs : 0;
  }

  /** The group has answered a request that was sent at `askedAtMs`. */
  heard(askedAtMs: number): void {
    this.heardAtMs = askedAtMs;
  }

  /** The group rebalances, or the consumer has crashed. */
  left(nowMs: number): void {
    this.outSinceMs ??= nowMs;
  }

  /**
   * Returns whether the member id is another one than before. If so, the group had given up the former id, and its
   * partitions to other members.
   */
  joined(memberId: string, nowMs: number): boolean {
    const isAnother = memberId !== this.memberId;
    this.memberId = memberId;
    // The answer may be old, if the process was frozen before it could read it. So only the time of the request counts.
    // kafkajs may rejoin without an event, if its metadata was stale. A new member still has to claim its partitions.
    const askedAtMs = this.outSinceMs ?? (isAnother ? nowMs : -Infinity);
    this.heardAtMs = Math.max(this.heardAtMs, askedAtMs);
    this.outSinceMs = null;
    return isAnother;
  }
}
