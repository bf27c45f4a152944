import { cutError } from '../contract/result';
import { readField, readObject, reasonOf, refusalOf } from './answer-words';
import type { CallResult } from './call-result';
import { parseRetryAfter } from './retry-after';

/** Why the body of an answer cannot be used. */
export type Incomplete = 'timeout' | 'cut-off' | 'too-large' | 'undecodable' | 'unknown-coding';

/** An answer of the Messages API whose status line arrived. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The whole body, or why there is none. */
  readonly body: Buffer | Incomplete;
}

/** What a status says about the command, before the body is read. */
type Meaning = 'answered' | 'limited' | 'limited-if-told' | 'perhaps-sent' | 'unauthorized' | 'forbidden' | 'refused';

const BY_STATUS: ReadonlyMap<number, Meaning> = new Map([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [408, 'perhaps-sent'],
  [425, 'perhaps-sent'],
  [429, 'limited'],
  [503, 'limited-if-told'],
]);

/**
 * By the first digit, for statuses that are not listed above. A number outside of HTTP says nothing about the command.
 */
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
  undecodable: 'its body could not be decompressed',
  'unknown-coding': 'its body has a content coding that is not known',
};

/**
 * The table "Which failure means what" of docs/contract.md, for calls that were answered. Pure; never throws.
 *
 * @param nowMs milliseconds since the epoch, to read a `Retry-After` date
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
      const detail = wordsOf(answer);
      return meaning === 'limited-if-told' && retryAfterMs === null
        ? { kind: 'perhaps-sent', reason: 'status', httpStatus, detail }
        : { kind: 'limited', httpStatus, retryAfterMs, detail };
    }
    case 'perhaps-sent':
      return { kind: 'perhaps-sent', reason: 'status', httpStatus, detail: wordsOf(answer) };
    case 'unauthorized':
      return { kind: 'unauthorized', httpStatus: 401, response: refusalOf(wholeBody(answer), httpStatus) };
    case 'forbidden':
      return { kind: 'forbidden', httpStatus: 403, response: refusalOf(wholeBody(answer), httpStatus) };
    case 'refused':
      return { kind: 'rejected', httpStatus, response: refusalOf(wholeBody(answer), httpStatus) };
  }
}

function readResponse({ status: httpStatus, body }: Answer): CallResult {
  if (typeof body === 'string') return unreadable(httpStatus, INCOMPLETE[body]);
  const fields = readObject(body);
  if (fields === null) return unreadable(httpStatus, 'its body is no JSON object');
  const id = readField(fields, 'id', body);
  const status = readField(fields, 'status', body);
  const error = fields['error'] ?? '';
  // With an `error` that is no text (false, 0, {}) nobody can tell whether there was an error.
  if (id === null || status === null || typeof error !== 'string') {
    return unreadable(httpStatus, 'its body is no MessageResponse');
  }
  return { kind: error === '' ? 'accepted' : 'rejected', httpStatus, response: { id, status, error: cutError(error) } };
}

function unreadable(httpStatus: number, why: string): CallResult {
  return { kind: 'unreadable', httpStatus, detail: `HTTP ${httpStatus}, but ${why}` };
}

function wordsOf(answer: Answer): string {
  const body = wholeBody(answer);
  return reasonOf(body === null ? null : readObject(body), answer.status);
}

function wholeBody({ body }: Answer): Buffer | null {
  return typeof body === 'string' ? null : body;
}
