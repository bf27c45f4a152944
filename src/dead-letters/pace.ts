import type { RateLimit } from '../config/config';

/** Largest batch without a rate: large enough that the transaction around it costs little. */
const MAX_BATCH = 200;

/**
 * Spreads batches so that in any window w at most rate × w + burst letters go out: each batch fits the burst, and the next one
 * waits for as long as the rate takes for it.
 */
export class Pace {
  readonly maxBatch: number;
  private nextAtMs = -Infinity;

  /** null for no limit. */
  constructor(private readonly rate: RateLimit | null) {
    this.maxBatch = Math.min(MAX_BATCH, rate?.burst ?? MAX_BATCH);
  }

  /** How long a batch has to wait from now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.nextAtMs - nowMs);
  }

  /** So many letters go out now. */
  took(count: number, nowMs: number): void {
    if (this.rate === null) return;
    this.nextAtMs = Math.max(this.nextAtMs, nowMs) + (count * this.rate.periodMs) / this.rate.count;
  }
}
