import type { MessageResponse } from '../contract/outcome';
import type { CallResult } from './call-result';
import { parseRetryAfter } from './retry-after';

/** Why the body of an answer is not all there. */
export type Incomplete = 'timeout' | 'cut-off' | 'too-large';

/** An answer of the Messages API whose status line arrived. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The whole body, or why there is none. */
  readonly body: Buffer | Incomplete;
}

/** What a status says about the command, before the body is looked at. */
type Meaning = 'answered' | 'limited' | 'limited-if-told' | 'perhaps-sent' | 'unauthorized' | 'forbidden' | 'refused';

const BY_STATUS: ReadonlyMap<number, Meaning> = new Map([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [408, 'perhaps-sent'],
  [425, 'perhaps-sent'],
  [429, 'limited'],
  [503, 'limited-if-told'],
]);

/** By the hundred, for what is not listed above. Numbers outside of HTTP say nothing about the command. */
const BY_CLASS: ReadonlyMap<number, Meaning> = new Map([
  [1, 'refused'],
  [2, 'answered'],
  [3, 'refused'],
  [4, 'refused'],
  [5, 'perhaps-sent'],
]);

const INCOMPLETE: Readonly<Record<Incomplete, string>> = {
  timeout: 'its body did not arrive by the deadline',
  'cut-off': 'its body was cut off',
  'too-large': 'its body was too large',
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The table "Which failure means what" of docs/contract.md, for answers. Pure; never throws.
 *
 * @param nowMs milliseconds since the epoch, against which a `Retry-After` date is read
 */
export function classify(answer: Answer, nowMs: number): CallResult {
  const { status: httpStatus } = answer;
  const meaning = BY_STATUS.get(httpStatus) ?? BY_CLASS.get(Math.floor(httpStatus / 100)) ?? 'perhaps-sent';
  switch (meaning) {
    case 'answered':
      return readResponse(answer);
    case 'limited':
    case 'limited-if-told': {
      const retryAfterMs = parseRetryAfter(answer.retryAfter, nowMs);
      const detail = `HTTP ${httpStatus}`;
      return meaning === 'limited-if-told' && retryAfterMs === null
        ? { kind: 'perhaps-sent', reason: 'status', httpStatus, detail }
        : { kind: 'limited', httpStatus, retryAfterMs, detail };
    }
    case 'perhaps-sent':
      return { kind: 'perhaps-sent', reason: 'status', httpStatus, detail: `HTTP ${httpStatus}` };
    case 'unauthorized':
      return { kind: 'unauthorized', httpStatus: 401, detail: 'HTTP 401' };
    case 'forbidden':
      return { kind: 'forbidden', httpStatus: 403, detail: 'HTTP 403' };
    case 'refused':
      return { kind: 'rejected', httpStatus, response: readRefusal(answer) };
  }
}

function readResponse({ status: httpStatus, body }: Answer): CallResult {
  if (typeof body === 'string') return unreadable(httpStatus, INCOMPLETE[body]);
  const fields = parseObject(body);
  if (fields === null) return unreadable(httpStatus, 'its body is no JSON object');
  const id = readField(fields['id']);
  const status = readField(fields['status']);
  const error = fields['error'] ?? '';
  // An error that is no text (false, 0, {}) leaves open whether there was one.
  if (id === null || status === null || typeof error !== 'string') {
    return unreadable(httpStatus, 'its body is no MessageResponse');
  }
  return { kind: error === '' ? 'accepted' : 'rejected', httpStatus, response: { id, status, error } };
}

function unreadable(httpStatus: number, why: string): CallResult {
  return { kind: 'unreadable', httpStatus, detail: `HTTP ${httpStatus}, but ${why}` };
}

/** The status has decided; the body only lends its words, where it has any. */
function readRefusal({ status: httpStatus, body }: Answer): MessageResponse {
  const fields = (typeof body === 'string' ? null : parseObject(body)) ?? {};
  const texts = [fields['error'], fields['message']];
  return {
    id: readField(fields['id']) ?? '',
    status: readField(fields['status']) ?? '',
    error: texts.find((text): text is string => typeof text === 'string' && text !== '') ?? `HTTP ${httpStatus}`,
  };
}

/** A field of MessageResponse as text, null where it is none. */
function readField(value: unknown): string | null {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(body));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
