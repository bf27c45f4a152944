/**
 * Decides when kafkajs sends a heartbeat. kafkajs compares wall-clock times, `now >= lastRequest + interval`. If the
 * wall clock is set back by an hour, it sends no heartbeat for an hour, and the group takes the member for dead. So
 * this object stands for the number: kafkajs reads it before each heartbeat (2.2.4, consumerGroup.js), and it answers
 * by the monotonic clock.
 */
export class HeartbeatInterval {
  private isJoined = false;
  /** When the last heartbeat was sent, or the group was joined if that was later. */
  private lastMs = 0;

  constructor(
    private readonly intervalMs: number,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  joined(): void {
    this.isJoined = true;
    this.lastMs = this.nowMs();
  }

  /**
   * The group has answered a heartbeat. Returns when that heartbeat was sent, by the monotonic clock: the answer itself
   * may be old, if the process was frozen before it could read it.
   */
  answered(): number {
    return this.lastMs;
  }

  /**
   * kafkajs adds this to the time of its last request. It is the interval itself before the group is joined, and when
   * kafkajs checks its settings.
   */
  valueOf(): number {
    if (!this.isJoined) return this.intervalMs;
    const nowMs = this.nowMs();
    if (nowMs - this.lastMs < this.intervalMs) return Infinity;
    // kafkajs asks right before it sends a heartbeat, and not again before that one is answered.
    this.lastMs = nowMs;
    return -Infinity;
  }

  /** This object, typed as the number that kafkajs' types ask for. */
  asMilliseconds(): number {
    return this as unknown as number;
  }
}
