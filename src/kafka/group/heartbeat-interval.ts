/**
 * When kafkajs is to send a heartbeat. It reckons by the wall clock, `now >= lastRequest + interval`, and after that was set
 * back by an hour sends none for as long: the group takes the member for dead. An object in place of the number is asked each time
 * (kafkajs 2.2.4, consumerGroup.js), and answers by the monotonic clock.
 */
export class HeartbeatInterval {
  private isJoined = false;
  /** When the last one was sent, or the group was joined. */
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
   * The group has answered a heartbeat. Returns when that was sent, by the monotonic clock: an answer may have waited for a
   * process that was frozen meanwhile.
   */
  answered(): number {
    return this.lastMs;
  }

  /** What kafkajs adds to the time of its last request: before the group is joined, and where settings are checked, the interval. */
  valueOf(): number {
    if (!this.isJoined) return this.intervalMs;
    const nowMs = this.nowMs();
    if (nowMs - this.lastMs < this.intervalMs) return Infinity;
    // kafkajs asks right before it sends one, and not again before that is answered.
    this.lastMs = nowMs;
    return -Infinity;
  }

  /** As the number that kafkajs' types ask for. */
  asMilliseconds(): number {
    return this as unknown as number;
  }
}
