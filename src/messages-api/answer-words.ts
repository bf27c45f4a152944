import { STATUS_CODES } from 'node:http';
import type { MessageResponse } from '../contract/outcome';
import { cutText, MAX_ERROR_LENGTH } from '../contract/result';

type Fields = Readonly<Record<string, unknown>>;

/** Longest `id` and `status` of an answer that are kept, in UTF-16 units. */
const MAX_FIELD_LENGTH = 1_024;
/** Where an answer says what is wrong: MessageResponse's own field, the usual other one, and RFC 9457's. */
const REASONS = ['error', 'message', 'detail', 'title'] as const;
/** Lists and objects within one another, as in `{"error":{"errors":[{"message":"…"}]}}`. */
const MAX_DEPTH = 4;
const LISTED = [...REASONS, 'errors'] as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The members of a body that is a JSON object in UTF-8; null for any other. Never throws. */
export function readObject(body: Buffer): Fields | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(body));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * A field of MessageResponse as text, cut at 1,024 units: '' where it is absent or null, null where it is none. A number
 * that a double does not hold is read again, for the digits that the API wrote: any others would be another id.
 */
export function readField(fields: Fields, name: 'id' | 'status', body: Buffer): string | null {
  const value = fields[name];
  switch (typeof value) {
    case 'undefined':
      return '';
    case 'string':
      return cutText(value, MAX_FIELD_LENGTH);
    case 'number':
      return Number.isSafeInteger(value) ? String(value) : cutText(digitsOf(name, body), MAX_FIELD_LENGTH);
    case 'boolean':
      return String(value);
    default:
      return value === null ? '' : null;
  }
}

/**
 * The API's reason for refusing a call, in its own words, cut at 2,000 units: of `error`, `message`, `detail` and `title`
 * the first that says more than the status does. `HTTP <status>` where it gives no words.
 */
export function reasonOf(fields: Fields | null, status: number): string {
  const reasons =
    fields === null ? [] : REASONS.map((name) => wordsOf(fields[name], 1)).filter((words) => words !== '');
  const reason = reasons.find((words) => !repeatsStatus(words, status)) ?? reasons[0] ?? `HTTP ${status}`;
  return cutText(reason, MAX_ERROR_LENGTH);
}

/** What an answer that refused a command says, its absent fields filled with ''. */
export function refusalOf(body: Buffer | null, status: number): MessageResponse {
  const fields = body === null ? null : readObject(body);
  if (body === null || fields === null) return { id: '', status: '', error: reasonOf(null, status) };
  return {
    id: readField(fields, 'id', body) ?? '',
    status: readField(fields, 'status', body) ?? '',
    error: reasonOf(fields, status),
  };
}

/** The text in a value: itself, those of a list, or that of the first member that usually holds one. */
function wordsOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return value.trim();
  if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return '';
  if (!Array.isArray(value))
    return LISTED.map((name) => wordsOf(Reflect.get(value, name), depth + 1)).find(Boolean) ?? '';
  const words: string[] = [];
  let length = 0;
  for (const item of value) {
    if (length > MAX_ERROR_LENGTH) break;
    const text = wordsOf(item, depth + 1);
    if (text !== '') words.push(text);
    length += text.length;
  }
  return words.join('; ');
}

function repeatsStatus(words: string, status: number): boolean {
  const said = words
    .toLowerCase()
    .replace(/^http\s+/, '')
    .replace(`${status}`, '')
    .trim();
  return said === '' || said === (STATUS_CODES[status] ?? '').toLowerCase();
}

/** The text of a number at the top of the body; '' where it cannot be had. */
function digitsOf(name: string, body: Buffer): string {
  const sources = new Map<unknown, string>();
  try {
    const top: unknown = JSON.parse(
      utf8.decode(body),
      function (this: unknown, key, value, context?: { source?: string }) {
        if (key === name && context?.source !== undefined) sources.set(this, context.source);
        return value;
      },
    );
    return sources.get(top) ?? '';
  } catch {
    return '';
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
