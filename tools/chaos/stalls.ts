/** When something arrived and when it was settled, in ms since the epoch; null for never. */
export interface Span {
  readonly arrivedAtMs: number;
  readonly settledAtMs: number | null;
}

/** A time in which nothing was settled. */
export interface Stall {
  readonly fromMs: number;
  readonly ms: number;
}

/**
 * The longest time in which something waited and nothing was settled. It counts from the arrival if nothing waited
 * before, and to `endMs` if something is never settled.
 */
export function longestStall(spans: readonly Span[], endMs: number): Stall {
  const events = spans
    .flatMap(({ arrivedAtMs, settledAtMs }) => [
      { atMs: arrivedAtMs, change: 1 },
      ...(settledAtMs === null ? [] : [{ atMs: Math.max(settledAtMs, arrivedAtMs), change: -1 }]),
    ])
    // If something arrives and another one is settled within the same millisecond, the arrival comes first.
    .sort((a, b) => a.atMs - b.atMs || b.change - a.change);
  let waiting = 0;
  let fromMs = 0;
  let longest: Stall = { fromMs: 0, ms: 0 };
  const until = (atMs: number): void => {
    if (atMs - fromMs > longest.ms) longest = { fromMs, ms: atMs - fromMs };
  };
  for (const { atMs, change } of events) {
    if (change > 0) {
      if (waiting++ === 0) fromMs = atMs;
    } else {
      until(atMs);
      fromMs = atMs;
      waiting--;
    }
  }
  if (waiting > 0) until(endMs);
  return longest;
}
