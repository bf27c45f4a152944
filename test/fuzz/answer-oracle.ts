/**
 * What the contract's table of failures says about the bytes of an answer. It has its own reader of HTTP/1.1 (RFC 9112)
 * and of MessageResponse. It shares nothing with the service, nor with undici.
 */
import type { CallResult } from '../../src/messages-api/call-result';

type Kind = CallResult['kind'];

/** How a server ends an answer: it waits for the next request, closes the connection, or resets it. */
export type End = 'keep' | 'close' | 'reset';

export interface AnswerVerdict {
  /** How the call may end. One kind if the answer is well-formed; else all kinds that a reader may find in it. */
  readonly kinds: ReadonlySet<Kind>;
  /** Whether only the deadline ends the call. */
  readonly isEndless: boolean;
  /** Whether the answer is strictly valid HTTP. */
  readonly isWellFormed: boolean;
  /** The texts of an accepted or rejected call, if the answer leaves no doubt about them. */
  readonly response: MessageTexts | null;
  readonly retryAfterMs: number | null;
}

interface MessageTexts {
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

interface Head {
  readonly status: number;
  readonly version: string;
  /** By name, in lower case. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly rest: Buffer;
}

/** The part of the body that arrived. */
type Body =
  { readonly kind: 'whole' | 'reset'; readonly bytes: Buffer } | { readonly kind: 'partial' | 'open' | 'broken' };

const SEPARATOR = Buffer.from('\r\n\r\n');
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;
/** Node's limit for the head of a message. */
const MAX_HEAD_BYTES = 16_384;

/** @param maxBodyBytes a longer body is not read */
export function judgeAnswer(bytes: Buffer, end: End, maxBodyBytes: number): AnswerVerdict {
  let rest = bytes;
  for (;;) {
    const head = readHead(rest);
    if (head === 'broken') return broken(bytes);
    if (head === 'partial') return unanswered(end === 'keep');
    // undici refuses these two: it asked for neither.
    if (head.status === 100 || head.status === 101) return broken(bytes);
    if (head.status >= 200) return judgeFinal(head, bytes, end, maxBodyBytes);
    rest = head.rest;
  }
}

function judgeFinal(head: Head, bytes: Buffer, end: End, maxBodyBytes: number): AnswerVerdict {
  const body = readBody(head, end, maxBodyBytes);
  if (body.kind === 'broken') return broken(bytes);
  const isEndless = body.kind === 'open';
  const { kind, response } = judgeStatus(head, 'bytes' in body ? body.bytes : null);
  const retryAfterMs = kind === 'limited' ? secondsOf(head) : null;
  const kinds = new Set([kind]);
  // Dates are not read here, so both kinds may be right.
  if (head.status === 503 && isPerhapsDate(head)) kinds.add('limited');
  // A JSON object shows by itself whether it is complete, so a reader may accept it as the answer.
  if (body.kind === 'reset' && (kind === 'accepted' || kind === 'rejected')) kinds.add(judgeStatus(head, null).kind);
  return { kinds, isEndless, isWellFormed: true, response, retryAfterMs };
}

function judgeStatus(head: Head, body: Buffer | null): { kind: Kind; response: MessageTexts | null } {
  const { status } = head;
  if (status >= 200 && status < 300)
    return body === null ? { kind: 'unreadable', response: null } : judgeResponse(body);
  if (status === 401) return { kind: 'unauthorized', response: null };
  if (status === 403) return { kind: 'forbidden', response: null };
  if (status === 429) return { kind: 'limited', response: null };
  if (status === 503) return { kind: secondsOf(head) === null ? 'perhaps-sent' : 'limited', response: null };
  if (status === 408 || status === 425 || status >= 500) return { kind: 'perhaps-sent', response: null };
  return { kind: 'rejected', response: null };
}

/** Stands for a text that this oracle cannot tell. */
const UNTOLD = '\0';

/** A 2xx must be a MessageResponse. Otherwise nobody knows how the call ended. */
function judgeResponse(body: Buffer): { kind: Kind; response: MessageTexts | null } {
  const doubt = { kind: 'unreadable' as const, response: null };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return doubt;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return doubt;
  const id = textOf(value, 'id');
  const status = textOf(value, 'status');
  const error: unknown = Reflect.get(value, 'error') ?? '';
  if (id === null || status === null || typeof error !== 'string') return doubt;
  const isTold =
    ![id, status].includes(UNTOLD) && id.length <= 1_024 && status.length <= 1_024 && error.length <= 2_000;
  return { kind: error === '' ? 'accepted' : 'rejected', response: isTold ? { id, status, error } : null };
}

/** An absent or null field is an empty text. A number or a boolean is the text that it is written as. */
function textOf(value: object, name: string): string | null {
  const field: unknown = Reflect.get(value, name) ?? '';
  if (typeof field === 'string') return field;
  // The text has its exact digits, but this oracle does not read the text.
  if (typeof field === 'number' && !Number.isSafeInteger(field)) return UNTOLD;
  return typeof field === 'number' || typeof field === 'boolean' ? `${field}` : null;
}

/** Bytes that are no HTTP. A reader gives up or finds something in them, but never more than they contain. */
function broken(bytes: Buffer): AnswerVerdict {
  const kinds = new Set<Kind>(['perhaps-sent']);
  const text = bytes.toString('latin1');
  for (const [, digits] of text.matchAll(/HTTP\/[\d.]*\s*(\d{3})/g)) {
    const status = Number(digits);
    if (status >= 200 && status < 300) {
      kinds.add('unreadable');
      if (text.includes('{')) kinds.add('accepted').add('rejected');
    } else if (status === 401) kinds.add('unauthorized');
    else if (status === 403) kinds.add('forbidden');
    else if (status === 429 || status === 503) kinds.add('limited');
    else if (status >= 300 && status < 500) kinds.add('rejected');
  }
  return { kinds, isEndless: true, isWellFormed: false, response: null, retryAfterMs: null };
}

function unanswered(isEndless: boolean): AnswerVerdict {
  return { kinds: new Set<Kind>(['perhaps-sent']), isEndless, isWellFormed: true, response: null, retryAfterMs: null };
}

function readHead(bytes: Buffer): Head | 'partial' | 'broken' {
  const end = bytes.indexOf(SEPARATOR);
  const text = (end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1');
  if (text.length > MAX_HEAD_BYTES / 2) return 'broken';
  const lines = text.split('\r\n');
  const [statusLine = '', ...fieldLines] = lines;
  if (end < 0) {
    const isSound = lines.every((line, at) => at === lines.length - 1 || (at === 0 ? STATUS_LINE : FIELD).test(line));
    const last = lines.at(-1) ?? '';
    // Of a line that was cut off, only its beginning can be checked.
    return isSound &&
      (lines.length > 1 || 'HTTP/1.1 '.startsWith(last.slice(0, 9))) &&
      !/[\0\n]/.test(last) &&
      lines.length === 1
      ? 'partial'
      : text === ''
        ? 'partial'
        : 'broken';
  }
  const match = STATUS_LINE.exec(statusLine);
  if (match === null) return 'broken';
  const fields = new Map<string, string[]>();
  for (const line of fieldLines) {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) return 'broken';
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  return { status: Number(match[2]), version: `1.${match[1]}`, fields, rest: bytes.subarray(end + SEPARATOR.length) };
}

/** The length of the body: RFC 9112, section 6.3. */
function readBody({ status, version, fields, rest }: Head, end: End, maxBytes: number): Body {
  const encodings = fields.get('transfer-encoding');
  const lengths = fields.get('content-length');
  // Readers differ too much in how they treat a connection, or a body, with these headers.
  if (fields.has('upgrade') || fields.has('trailer') || fields.has('content-encoding')) return { kind: 'broken' };
  if (encodings !== undefined && lengths !== undefined) return { kind: 'broken' };
  if (lengths !== undefined && (lengths.length > 1 || !/^\d{1,9}$/.test(lengths[0] ?? ''))) return { kind: 'broken' };
  if (
    encodings !== undefined &&
    (version === '1.0' || encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked')
  ) {
    return { kind: 'broken' };
  }
  if (status === 204 || status === 304) return { kind: 'whole', bytes: Buffer.alloc(0) };
  const missing: Body = end === 'keep' ? { kind: 'open' } : { kind: 'partial' };
  if (encodings !== undefined) return readChunks(rest, end, maxBytes);
  const length = lengths === undefined ? null : Number(lengths[0]);
  if (length === null) {
    if (rest.length > maxBytes) return { kind: 'partial' };
    return end === 'keep' ? missing : { kind: end === 'close' ? 'whole' : 'reset', bytes: rest };
  }
  // undici gives up when it has read the header.
  if (length > maxBytes) return { kind: 'partial' };
  return rest.length >= length ? { kind: 'whole', bytes: rest.subarray(0, length) } : missing;
}

function readChunks(bytes: Buffer, end: End, maxBytes: number): Body {
  const chunks: Buffer[] = [];
  const missing = (): Body => {
    if (end === 'reset') return { kind: 'reset', bytes: Buffer.concat(chunks) };
    return { kind: end === 'keep' ? 'open' : 'partial' };
  };
  let at = 0;
  let total = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const line = bytes.subarray(at, lineEnd < 0 ? undefined : lineEnd).toString('latin1');
    if (lineEnd < 0) return /^[0-9a-f]{0,6}\r?$/i.test(line) ? missing() : { kind: 'broken' };
    if (!/^[0-9a-f]{1,6}$/i.test(line)) return { kind: 'broken' };
    const size = Number.parseInt(line, 16);
    const start = lineEnd + 2;
    total += size;
    if (total > maxBytes) return { kind: 'broken' };
    const after = bytes.subarray(start + size, start + size + 2).toString('latin1');
    if (!'\r\n'.startsWith(after)) return { kind: 'broken' };
    if (size === 0 && after.length === 2) return { kind: 'whole', bytes: Buffer.concat(chunks) };
    chunks.push(bytes.subarray(start, start + size));
    if (after.length < 2) return missing();
    at = start + size + 2;
  }
}

/** The first `Retry-After` in milliseconds, if it is a number of seconds. */
function secondsOf({ fields }: Head): number | null {
  const text = fields.get('retry-after')?.[0] ?? '';
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : NaN;
  return Number.isSafeInteger(waitMs) ? waitMs : null;
}

function isPerhapsDate({ fields }: Head): boolean {
  return /\d:\d/.test(fields.get('retry-after')?.[0] ?? '');
}
