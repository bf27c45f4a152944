/** RFC 9110 has no decimals, but several messaging APIs send them. Without them such a value would count as absent. */
const SECONDS = /^\d+(?:\.\d+)?$/;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)`;

/** The three date formats a recipient must accept: RFC 9110, section 5.6.7. */
const DATES = [
  String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\d{2}) ${MONTH} (?<year>\d{4}) ${TIME} GMT`,
  String.raw`(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\d{2})-${MONTH}-(?<year>\d{2}) ${TIME} GMT`,
  String.raw`(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ \d]\d) ${TIME} (?<year>\d{4})`,
].map((format) => new RegExp(`^${format}$`));

/**
 * The wait that a `Retry-After` header asks for (RFC 9110, section 10.2.3), in milliseconds from now. The header has
 * seconds or an HTTP date; a date in the past is 0. Null if the header is absent or unusable. The caller caps the wait.
 *
 * @param nowMs milliseconds since the epoch
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  const text = value.trim();
  if (SECONDS.test(text)) {
    const waitMs = Math.ceil(Number(text) * 1000);
    return Number.isSafeInteger(waitMs) ? waitMs : null;
  }
  const dateMs = parseHttpDate(text, nowMs);
  return dateMs === null ? null : Math.max(0, Math.ceil(dateMs - nowMs));
}

function parseHttpDate(text: string, nowMs: number): number | null {
  for (const format of DATES) {
    const parts = format.exec(text)?.groups;
    if (parts !== undefined) return toEpochMs(parts, nowMs);
  }
  return null;
}

function toEpochMs(parts: Readonly<Record<string, string>>, nowMs: number): number | null {
  const { year = '', month = '', day = '', hour, minute, second } = parts;
  const fullYear = year.length === 2 ? expandYear(Number(year), nowMs) : Number(year);
  // Not Date.UTC: it reads the years 0 to 99 as 1900 to 1999.
  const date = new Date(0);
  date.setUTCFullYear(fullYear, MONTHS.indexOf(month), Number(day));
  // A day that its month does not have has rolled over into the next month.
  if (date.getUTCDate() !== Number(day)) return null;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

/** If a two-digit year is more than 50 years ahead, it means the last past year with these digits: RFC 9110, 5.6.7. */
function expandYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}
