import { STATUS_CODES } from 'node:http';
import type { MessageResponse } from '../contract/outcome';
import { cutText, MAX_ERROR_LENGTH } from '../contract/result';

type Fields = Readonly<Record<string, unknown>>;

/** An answer's `id` and `status` are cut to this length, in UTF-16 units. */
const MAX_FIELD_LENGTH = 1_024;
/** Fields that may say what is wrong: MessageResponse's own, the other usual one, and RFC 9457's two. */
const REASONS = ['error', 'message', 'detail', 'title'] as const;
/** How deep nested lists and objects are searched, as in `{"error":{"errors":[{"message":"…"}]}}`. */
const MAX_DEPTH = 4;
const LISTED = [...REASONS, 'errors'] as const;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The members of a body that is a JSON object in UTF-8; null for any other body. Never throws. */
export function readObject(body: Buffer): Fields | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(body));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * A field of MessageResponse as text, cut at 1,024 units. '' if it is absent or null; null if it is no simple value. If
 * a double cannot hold a number exactly, the body is parsed again for its digits: rounded digits would be another id.
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
 * The API's reason for refusing a call, in its own words, cut at 2,000 units. It is the first of `error`, `message`,
 * `detail` and `title` that says more than the status does, or `HTTP <status>` if there are no words.
 */
export function reasonOf(fields: Fields | null, status: number): string {
  const reasons =
    fields === null ? [] : REASONS.map((name) => wordsOf(fields[name], 1)).filter((words) => words !== '');
  const reason = reasons.find((words) => !repeatsStatus(words, status)) ?? reasons[0] ?? `HTTP ${status}`;
  return cutText(reason, MAX_ERROR_LENGTH);
}

/** The answer that refused a command, as a MessageResponse. Absent fields are ''. */
export function refusalOf(body: Buffer | null, status: number): MessageResponse {
  const fields = body === null ? null : readObject(body);
  if (body === null || fields === null) return { id: '', status: '', error: reasonOf(null, status) };
  return {
    id: readField(fields, 'id', body) ?? '',
    status: readField(fields, 'status', body) ?? '',
    error: reasonOf(fields, status),
  };
}

/** The text in a value: the string itself, the texts of a list, or the text of an object's first field that has one. */
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

/** The digits of a number at the top level of the body, as they were written; '' if they cannot be found. */
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
