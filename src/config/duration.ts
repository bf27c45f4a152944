const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** 24 days. Node's timers cannot wait for longer, and a longer duration is most likely a mistake. */
const MAX_DURATION_MS = 24 * 86_400_000;

/** Completes "must be …" if a text is not a duration. */
export const DURATION_GRAMMAR = 'a duration such as 500ms, 90s, 1m, 24h or 7d, from 1ms to 24d';

/** Reads `90s` as 90,000 milliseconds; null if the text is not a duration. */
export function parseDuration(text: string): number | null {
  const parts = /^(?<count>[1-9]\d{0,9})(?<unit>ms|s|m|h|d)$/.exec(text)?.groups;
  const durationMs = Number(parts?.['count']) * (UNIT_MS[parts?.['unit'] ?? ''] ?? Number.NaN);
  return durationMs <= MAX_DURATION_MS ? durationMs : null;
}
