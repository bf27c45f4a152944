const TIME = /^([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** Whether a value is an ISO 8601 calendar date, or a date and time with or without offset. */
export function isIsoDateTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const time = value.slice(11);
  return isCalendarDay(value.slice(0, 10)) && (value.length === 10 || (value[10] === 'T' && TIME.test(time)));
}

/**
 * Reads an ISO 8601 date and time with offset (`Z` or `±hh:mm`) as milliseconds since the epoch. Digits beyond
 * milliseconds are cut. Null for anything else, also for a day that the calendar does not have.
 */
export function parseInstant(value: unknown): number | null {
  if (!isIsoDateTime(value)) return null;
  const offset = TIME.exec(value.slice(11))?.[2];
  if (offset === undefined || (offset !== 'Z' && !offset.includes(':'))) return null;
  return Date.parse(value);
}

/** `Date.parse` would read 31 February as 3 March. */
function isCalendarDay(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  // Not Date.UTC, which reads the years 0 to 99 as 1900 to 1999: 1900 has no leap day, but the year 0 has one.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
