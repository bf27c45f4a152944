import type { RateLimit } from './config';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_BURST_MS = 50;
const GRAMMAR =
  /^(?<count>[1-9]\d{0,5})\/(?<periods>[1-9]\d{0,5})?(?<unit>ms|s|min|h|d)(?: +burst +(?<burst>[1-9]\d{0,5}))?$/;

/** Completes "must be …" if a text is not a rate limit. */
export const RATE_LIMIT_GRAMMAR =
  'a rate such as 80/s, 20/min, 1/6s or 80/s burst 40: <count>/[<number>]<ms|s|min|h|d>[ burst <count>], ' +
  'whole numbers from 1 to 999999';

/**
 * Reads `80/s`, `20/min`, `1/6s` or `80/s burst 40`; null if the text is none of these. The default burst is 50 ms'
 * worth of the rate, rounded down, but at least 1.
 */
export function parseRateLimit(text: string): RateLimit | null {
  const parts = GRAMMAR.exec(text)?.groups;
  const unitMs = UNIT_MS[parts?.['unit'] ?? ''];
  if (parts === undefined || unitMs === undefined) return null;
  const count = Number(parts['count']);
  const periodMs = Number(parts['periods'] ?? 1) * unitMs;
  const burst = Number(parts['burst'] ?? Math.max(1, Math.floor((count * DEFAULT_BURST_MS) / periodMs)));
  return { count, periodMs, burst };
}
