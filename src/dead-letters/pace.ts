import type { RateLimit } from '../config/config';

/** Largest batch without a rate. It is so large that the transaction around it costs little. */
const MAX_BATCH = 200;

/**
 * Limits the rate of letters: in any window w, at most rate × w + burst are sent. Each batch fits the burst. The next
 * batch waits for the time that its predecessor takes at this rate.
 */
export class Pace {
  readonly maxBatch: number;
  private nextAtMs = -Infinity;

  /** @param rate null for no limit */
  constructor(private readonly rate: RateLimit | null) {
    this.maxBatch = Math.min(MAX_BATCH, rate?.burst ?? MAX_BATCH);
  }

  /** How long the next batch has to wait from now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.nextAtMs - nowMs);
  }

  /** Notes that `count` letters are sent now. */
  sent(count: number, nowMs: number): void {
    if (this.rate === null) return;
    this.nextAtMs = Math.max(this.nextAtMs, nowMs) + (count * this.rate.periodMs) / this.rate.count;
  }
}
