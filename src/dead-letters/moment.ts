import { parseInstant } from '../contract/time';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Completes "must be …" if a text is not a moment. */
export const MOMENT_GRAMMAR =
  'an ISO 8601 date and time with offset (2026-11-22T12:00:00Z), or how long ago: 90s, 15m, 2h, 3d';

/** Reads a date and time, or a time span before `nowMs`, as milliseconds since the epoch; null for any other text. */
export function parseMoment(text: string, nowMs: number): number | null {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago === null) return parseInstant(text);
  return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
}
