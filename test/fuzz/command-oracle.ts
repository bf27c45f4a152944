/**
 * The contract of commands as plain predicates, and the nine schemas of the Messages API as a table. It shares nothing
 * with the service, so a fault would have to be made twice.
 */
type Json = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];
type Rule = (value: unknown, path: Path, faults: Faults) => void;

/** What the contract says about the value of a record. */
export interface CommandVerdict {
  /** Paths of all faults, written as in violations; empty for a valid command. */
  readonly faults: ReadonlySet<string>;
  /** The value, if it is a JSON object. */
  readonly document: Json | null;
}

/** The path of a value that is no JSON object. */
const UNREADABLE = 'value';

const MAX_LEVELS = 64;
const MAX_ELEMENTS = 10;
/** Only so many items of an array are checked if it is too long anyway. */
const ELEMENTS_NAMED = MAX_ELEMENTS + 1;
const TYPES = ['text', 'media', 'template'];
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

class Faults {
  readonly paths = new Set<string>();

  add(path: Path): void {
    this.paths.add(spell(path));
  }
}

const id = text(256, isPrintable);
const message = text(65_536, () => true);
const buttons: Rule = (value, path, faults) => {
  if (!Array.isArray(value)) faults.add(path);
};
const schedule = string(isDateTime);
const withId = closed({ id });
const withNumber = closed({ phoneNumber: string(isPhoneNumber) });
const elements: Rule = (value, path, faults) => {
  if (!Array.isArray(value)) return faults.add(path);
  if (value.length < 1 || value.length > MAX_ELEMENTS) faults.add(path);
  const element = closed({ title: message, buttons });
  value.slice(0, ELEMENTS_NAMED).forEach((item, index) => element(item, [...path, index], faults));
};

const textMessage = { textMessage: message };
const media = { mediaUrl: string(isWebUrl), mimeType: string(isMediaType) };
const scheduled = { scheduleDateTime: schedule };
const contact = { contact: withId, workspace: withId };

const SCHEMAS: Readonly<Record<string, Rule>> = {
  'whatsapp text': toContactOrNumber(textMessage, scheduled),
  'whatsapp media': toContactOrNumber(media, scheduled),
  'whatsapp template': toContactOrNumber({ template: message }),
  'messenger text': closed({ ...contact, ...textMessage }, scheduled),
  'messenger media': closed({ ...contact, ...media }, scheduled),
  'messenger template': closed({ ...contact, elements }),
  'instagram text': closed({ ...contact, ...textMessage }, scheduled),
  'instagram template': closed({ ...contact, elements }),
  'telegram template': closed({ ...contact, buttons, ...textMessage }),
};

/** Judges the value of a record on the command topic of a channel. */
export function judgeCommand(value: Buffer, channel: string): CommandVerdict {
  const document = read(value);
  if (!isObject(document)) return { faults: new Set([UNREADABLE]), document: null };
  const faults = new Faults();
  inspect(document, [], false, faults);
  const { id: commandId, type, expiresAt, delivery, request } = document;
  text(128, isPrintable)(commandId, ['id'], faults);
  const schema = typeof type === 'string' && TYPES.includes(type) ? SCHEMAS[`${channel} ${type}`] : undefined;
  if (schema === undefined) faults.add(['type']);
  if ((expiresAt ?? null) !== null && instantOf(expiresAt) === null) faults.add(['expiresAt']);
  if ((delivery ?? null) !== null && delivery !== 'at-least-once' && delivery !== 'at-most-once') {
    faults.add(['delivery']);
  }
  if (!isObject(request)) faults.add(['request']);
  else schema?.(request, ['request'], faults);
  return { faults: faults.paths, document };
}

/** Milliseconds since the epoch of a date and time with offset, without further digits; null for anything else. */
export function instantOf(value: unknown): number | null {
  if (!isDateTime(value)) return null;
  const [date = '', time = ''] = value.split('T');
  const offset = /(Z|([+-])(\d\d):(\d\d))$/.exec(time);
  if (offset === null) return null;
  const [, zone = '', sign, hours, minutes] = offset;
  const [clock = '', fraction = ''] = time.slice(0, -zone.length).split('.');
  const [hour = 0, minute = 0, second = 0] = clock.split(':').map(Number);
  const offsetMinutes = sign === undefined ? 0 : (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const inDay = (hour * 60 + minute - offsetMinutes) * 60_000 + second * 1_000;
  return daysSinceEpoch(date) * 86_400_000 + inDay + Number(fraction.slice(0, 3).padEnd(3, '0'));
}

/** Writes a path as the contract does: plain names as they are, others quoted, escaped and cut. */
function spell(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : spellName(part))).join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

function spellName(name: string): string {
  if (/^[a-z_$][a-z0-9_$-]*$/i.test(name) && name.length <= 64) return `.${name}`;
  const units = Array.from(JSON.stringify(name.slice(0, 64)).split(''), (unit) => {
    const code = unit.charCodeAt(0);
    return code >= 32 && code < 127 ? unit : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `[${units.join('')}${name.length > 64 ? '...' : ''}]`;
}

function read(value: Buffer): unknown {
  try {
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    return json.startsWith('\ufeff') ? null : JSON.parse(json);
  } catch {
    return null;
  }
}

/**
 * JSON that the contract forbids anywhere: too deep, `__proto__`, and texts or numbers that UTF-8 or a double cannot
 * hold.
 */
function inspect(value: unknown, path: Path, isSent: boolean, faults: Faults): void {
  if (typeof value === 'string' && !isWellFormed(value)) faults.add(path);
  if (typeof value === 'number' && isSent && Math.abs(value) > Number.MAX_SAFE_INTEGER) faults.add(path);
  if (typeof value !== 'object' || value === null) return;
  if (path.length >= MAX_LEVELS) return faults.add(path);
  if (Array.isArray(value)) return value.forEach((item, index) => inspect(item, [...path, index], isSent, faults));
  for (const [name, item] of Object.entries(value)) {
    const at = [...path, name];
    if (name === '__proto__' || !isWellFormed(name)) faults.add(at);
    inspect(item, at, isSent || (path.length === 0 && name === 'request'), faults);
  }
}

function closed(required: Readonly<Record<string, Rule>>, optional: Readonly<Record<string, Rule>> = {}): Rule {
  const rules = new Map(Object.entries({ ...required, ...optional }));
  return (value, path, faults) => {
    if (!isObject(value)) return faults.add(path);
    for (const [name, item] of Object.entries(value)) {
      const rule = rules.get(name);
      if (item === null && Object.hasOwn(optional, name)) continue;
      if (rule === undefined) faults.add([...path, name]);
      else rule(item, [...path, name], faults);
    }
    for (const name of Object.keys(required)) if (!Object.hasOwn(value, name)) faults.add([...path, name]);
  };
}

function toContactOrNumber(
  required: Readonly<Record<string, Rule>>,
  optional: Readonly<Record<string, Rule>> = {},
): Rule {
  const fields = closed({ workspace: withId, ...required }, { ...optional, contact: withId, recepient: withNumber });
  return (value, path, faults) => {
    fields(value, path, faults);
    if (isObject(value) && isGiven(value['contact']) === isGiven(value['recepient'])) faults.add(path);
  };
}

/** Null counts as absent. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function string(holds: (value: string) => boolean): Rule {
  return (value, path, faults) => {
    if (typeof value !== 'string' || !holds(value)) faults.add(path);
  };
}

function text(max: number, holds: (value: string) => boolean): Rule {
  return string(
    (value) => value.trim() !== '' && (value.length <= max || Array.from(value).length <= max) && holds(value),
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPrintable(value: string): boolean {
  return Array.from(value).every((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0x20 && (code < 0x7f || code > 0x9f) && code !== 0x2028 && code !== 0x2029;
  });
}

/** Whether every surrogate has its other half. */
function isWellFormed(value: string): boolean {
  return Array.from(value).every((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0xd800 || code > 0xdfff;
  });
}

/** E.164: up to 15 digits, the first one not 0, with or without `+`. */
function isPhoneNumber(value: string): boolean {
  const digits = value.startsWith('+') ? value.slice(1) : value;
  return digits.length >= 2 && digits.length <= 15 && !digits.startsWith('0') && isOf(digits, '0123456789');
}

/** Absolute, http or https, with a host, and without anything that a parser would have to repair. */
function isWebUrl(value: string): boolean {
  if (value.length > 8_192 || /\s/.test(value) || value.includes('\\')) return false;
  const lower = value.toLowerCase();
  const scheme = ['http://', 'https://'].find((start) => lower.startsWith(start));
  if (scheme === undefined) return false;
  const first = value.at(scheme.length);
  return first !== undefined && !'/?#'.includes(first) && URL.canParse(value);
}

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** RFC 9110: a media type and its parameters, each `name=token` or `name="text"`. */
function isMediaType(value: string): boolean {
  let at = value.indexOf(';');
  if (!isTypeAndSubtype((at < 0 ? value : value.slice(0, at)).replace(/[ \t]+$/, at < 0 ? '$&' : ''))) return false;
  const blanks = (): void => {
    while (at < value.length && ' \t'.includes(value.charAt(at))) at++;
  };
  const token = (): boolean => {
    const from = at;
    while (at < value.length && `${ALPHANUMERIC}!#$%&'*+-.^_\`|~`.includes(value.charAt(at))) at++;
    return at > from;
  };
  const quoted = (): boolean => {
    for (at++; at < value.length && value.charAt(at) !== '"'; at++) {
      if (value.charAt(at) === '\\') at++;
      const code = value.charCodeAt(at);
      if (code !== 9 && !(code >= 32 && code <= 126)) return false;
    }
    return value.charAt(at++) === '"';
  };
  while (at >= 0 && at < value.length) {
    blanks();
    if (value.charAt(at++) !== ';') return false;
    blanks();
    if (!token() || value.charAt(at++) !== '=') return false;
    if (!(value.charAt(at) === '"' ? quoted() : token())) return false;
  }
  return true;
}

/** RFC 6838: `type/subtype`, each of 1 to 127 restricted characters, the first one a letter or digit. */
function isTypeAndSubtype(value: string): boolean {
  const parts = value.split('/');
  return (
    parts.length === 2 &&
    parts.every(
      (part) =>
        part.length >= 1 &&
        part.length <= 127 &&
        isOf(part.slice(0, 1), ALPHANUMERIC) &&
        isOf(part, `${ALPHANUMERIC}!#$&^_.+-`),
    )
  );
}

/** `YYYY-MM-DD`, alone or with `Thh:mm[:ss[.f]]`, then nothing, `Z`, `±hh:mm` or `±hhmm`. */
function isDateTime(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const [date = '', time, ...more] = value.split('T');
  if (more.length > 0 || !isDay(date)) return false;
  if (time === undefined) return true;
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(?:Z|[+-](\d\d):?(\d\d))?$/.exec(time);
  if (match === null || time.endsWith('\n')) return false;
  const [hour = 0, minute = 0, second = 0, offsetHour = 0, offsetMinute = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return hour < 24 && minute < 60 && second < 60 && offsetHour < 24 && offsetMinute < 60;
}

function isDay(date: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(date) || date.length !== 10) return false;
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  const days = DAYS[month - 1];
  return days !== undefined && day >= 1 && day <= (month === 2 && isLeap(year) ? 29 : days);
}

function isLeap(year: number): boolean {
  return year % 400 === 0 || (year % 4 === 0 && year % 100 !== 0);
}

/** Proleptic Gregorian calendar, from year 0. */
function daysSinceEpoch(date: string): number {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  const before = year - 1;
  const daysOfYears = 365 * year + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) + 1;
  const daysOfMonths = DAYS.slice(0, month - 1).reduce((sum, days) => sum + days, 0);
  return daysOfYears + daysOfMonths + (month > 2 && isLeap(year) ? 1 : 0) + day - 1 - 719_528;
}

function isOf(text: string, alphabet: string): boolean {
  return Array.from(text).every((character) => alphabet.includes(character));
}
