/** Bounds of the waits between calls. */
export interface BackoffOptions {
  /** Upper bound of the wait after the first call, in milliseconds. */
  readonly baseDelayMs: number;
  /** Upper bound of every wait, in milliseconds. */
  readonly maxDelayMs: number;
}

/** Far above any cap, but 2 to this power is still finite: a base of 0 times infinity would be NaN. */
const MAX_DOUBLINGS = 1000;

/**
 * Exponential backoff with full jitter: a whole number of milliseconds, evenly spread over
 * `[0, min(maxDelayMs, baseDelayMs × 2^(callsMade − 1)))`. Full jitter spreads competing clients best
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param callsMade calls made so far, from 1
 * @param random a number in [0, 1), such as Math.random
 */
export function fullJitter(options: BackoffOptions, callsMade: number, random: () => number): number {
  const doublings = Math.min(Math.max(callsMade - 1, 0), MAX_DOUBLINGS);
  const ceilingMs = Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** doublings);
  return Math.floor(random() * ceilingMs);
}
