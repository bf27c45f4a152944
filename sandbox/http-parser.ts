/**
 * One request as it was sent. A header's value is null if the header is absent, else ISO 8859-1 text without outer
 * blanks.
 */
export interface HttpRequest {
  readonly method: string;
  readonly target: string;
  readonly apiKey: string | null;
  readonly idempotencyKey: string | null;
  readonly contentType: string | null;
  /** Whether the connection may be used again after the answer. */
  readonly keepAlive: boolean;
  readonly body: Buffer;
}

/** The reason why bytes are no HTTP/1.x request. The rest of the connection cannot be read. */
export interface ParseFailure {
  readonly status: 400 | 413 | 431 | 501 | 505;
  readonly reason: string;
}

/** Gets everything in the order of the stream. */
export interface RequestSink {
  onRequest(request: HttpRequest): void;
  /** The head of a request with `Expect: 100-continue` has arrived. `onRequest` follows with its body. */
  onContinue(): void;
  /** Called at most once, and last. */
  onFailure(failure: ParseFailure): void;
}

/** Sizes in bytes. `headBytes` limits a request line with its headers, and a trailer section. */
export interface ParserLimits {
  readonly headBytes: number;
  readonly bodyBytes: number;
}

const DEFAULT_LIMITS: ParserLimits = { headBytes: 16 * 1024, bodyBytes: 32 * 1024 * 1024 };

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const SEMICOLON = 59;
const INCOMPLETE = -1;
const FAILED = -2;
/** The longest chunk-size line, with its extensions. */
const CHUNK_LINE_BYTES = 1024;
const EMPTY = Buffer.alloc(0);

const TOKEN = byteSet((byte) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte)));
const VALUE = byteSet((byte) => byte === TAB || (byte >= 32 && byte !== 127));
const TARGET = byteSet((byte) => byte > 32 && byte !== 127);

const HOST = 0;
const EXPECT = 1;
const API_KEY = 2;
const CONNECTION = 3;
const CONTENT_TYPE = 4;
const CONTENT_LENGTH = 5;
const IDEMPOTENCY_KEY = 6;
const TRANSFER_ENCODING = 7;
const SLOTS = [
  'host',
  'expect',
  'x-api-key',
  'connection',
  'content-type',
  'content-length',
  'idempotency-key',
  'transfer-encoding',
];
/** The headers that are read have different lengths, so the length alone selects the candidate. */
const SLOT_BY_LENGTH = new Int8Array(32).fill(-1);
SLOTS.forEach((name, slot) => (SLOT_BY_LENGTH[name.length] = slot));
const SLOT_BYTES = SLOTS.map((name) => Buffer.from(name));

type Stage = 'head' | 'sized-body' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'failed';

/**
 * A push parser for HTTP/1.0 and 1.1 requests. Give it the bytes of one connection in pieces of any size: the sink sees
 * the same calls however they are split. It reads bodies by Content-Length or chunked. Pipelined requests come one
 * after the other.
 *
 * It is strict, because lenient parsers let requests be smuggled: CRLF only, no folded or repeated headers, no
 * Content-Length beside Transfer-Encoding. A body may share memory with the pushed buffer, so nobody may write to that
 * buffer again.
 */
export class RequestParser {
  readonly #sink: RequestSink;
  readonly #limits: ParserLimits;
  readonly #starts = new Int32Array(SLOTS.length);
  readonly #ends = new Int32Array(SLOTS.length);
  #stage: Stage = 'head';
  /** The bytes that a push left unread, because the end of their element had not arrived. */
  #rest: Buffer | null = null;
  #method = '';
  #target = '';
  #apiKey: string | null = null;
  #idempotencyKey: string | null = null;
  #contentType: string | null = null;
  #keepAlive = true;
  #bodyBytes = 0;
  #body: Buffer = EMPTY;
  #filled = 0;
  #pieces: Buffer[] = [];
  #chunkLeft = 0;

  constructor(sink: RequestSink, limits: ParserLimits = DEFAULT_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, chunk]);
      this.#rest = null;
    }
    let at = 0;
    while (this.#stage !== 'failed') {
      const next = this.#step(bytes, at);
      if (next === INCOMPLETE) {
        if (at < bytes.length) this.#rest = at === 0 ? bytes : bytes.subarray(at);
        return;
      }
      if (next === FAILED) return;
      at = next;
    }
  }

  /** Reads one element at `at`. Returns the start of the next one, FAILED, or INCOMPLETE if nothing has changed. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#stage) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'sized-body':
        return this.#readSizedBody(bytes, at);
      case 'chunk-size':
        return this.#readChunkSize(bytes, at);
      case 'chunk-data':
        return this.#readChunkData(bytes, at);
      case 'chunk-end':
        return this.#readChunkEnd(bytes, at);
      case 'trailers':
        return this.#readTrailer(bytes, at);
      case 'failed':
        return FAILED;
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    let start = from;
    // RFC 9112, 2.2: empty lines before a request are ignored.
    while (start + 1 < bytes.length && bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    const limit = start + this.#limits.headBytes;
    const stop = Math.min(bytes.length, limit);
    const short = stop === limit ? 431 : INCOMPLETE;
    let i = start;

    while (i < stop && TOKEN[bytes[i]!] === 1) i++;
    if (i === stop) return this.#short(short);
    if (i === start && bytes[i] === CR && i + 1 === bytes.length) return INCOMPLETE;
    if (i === start || bytes[i] !== SPACE) return this.#fail(400, 'malformed request line');
    const methodEnd = i++;
    while (i < stop && TARGET[bytes[i]!] === 1) i++;
    if (i === stop) return this.#short(short);
    const targetEnd = i;
    if (targetEnd === methodEnd + 1 || bytes[i] !== SPACE) return this.#fail(400, 'malformed request line');
    // The version is judged only when it is complete, so that pieces of any size give the same error.
    if (i + 11 > stop) return this.#short(short);
    const version = bytes.toString('latin1', i + 1, i + 11);
    if (version !== 'HTTP/1.1\r\n' && version !== 'HTTP/1.0\r\n') {
      return /^HTTP\/\d\.\d\r\n$/.test(version)
        ? this.#fail(505, 'HTTP version not supported')
        : this.#fail(400, 'malformed request line');
    }
    i += 11;

    this.#ends.fill(-1);
    for (;;) {
      if (i + 2 > stop) return this.#short(short);
      if (bytes[i] === CR) {
        if (bytes[i + 1] !== LF) return this.#fail(400, 'malformed header');
        i += 2;
        break;
      }
      const nameStart = i;
      while (i < stop && TOKEN[bytes[i]!] === 1) i++;
      if (i === stop) return this.#short(short);
      if (i === nameStart || bytes[i] !== COLON) return this.#fail(400, 'malformed header');
      const nameEnd = i++;
      const valueStart = i;
      while (i < stop && VALUE[bytes[i]!] === 1) i++;
      if (i + 2 > stop) return this.#short(short);
      if (bytes[i] !== CR || bytes[i + 1] !== LF) return this.#fail(400, 'malformed header');
      const slot = slotOf(bytes, nameStart, nameEnd);
      if (slot >= 0) {
        if (this.#ends[slot] !== -1 && slot !== CONNECTION) return this.#fail(400, `repeated ${SLOTS[slot]} header`);
        this.#keep(slot, bytes, valueStart, i);
      }
      i += 2;
    }

    this.#method = isPost(bytes, start, methodEnd) ? 'POST' : bytes.toString('latin1', start, methodEnd);
    this.#target = bytes.toString('latin1', methodEnd + 1, targetEnd);
    return this.#startBody(bytes, version === 'HTTP/1.1\r\n') ? i : FAILED;
  }

  #keep(slot: number, bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    while (start < end && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
    while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
  }

  #value(slot: number, bytes: Buffer): string | null {
    const end = this.#ends[slot]!;
    return end === -1 ? null : bytes.toString('latin1', this.#starts[slot]!, end);
  }

  #startBody(bytes: Buffer, isHttp11: boolean): boolean {
    if (isHttp11 && this.#ends[HOST] === -1) return this.#refuse(400, 'missing host header');
    const connection = this.#value(CONNECTION, bytes)?.toLowerCase() ?? '';
    this.#keepAlive = isHttp11 ? !connection.includes('close') : connection.includes('keep-alive');
    this.#apiKey = this.#value(API_KEY, bytes);
    this.#idempotencyKey = this.#value(IDEMPOTENCY_KEY, bytes);
    this.#contentType = this.#value(CONTENT_TYPE, bytes);
    this.#body = EMPTY;
    this.#filled = 0;

    const coding = this.#value(TRANSFER_ENCODING, bytes);
    const length = this.#value(CONTENT_LENGTH, bytes);
    if (coding !== null) {
      if (length !== null) return this.#refuse(400, 'content-length beside transfer-encoding');
      if (coding.toLowerCase() !== 'chunked') return this.#refuse(501, 'transfer-encoding not supported');
      this.#bodyBytes = 0;
      this.#pieces = [];
      this.#stage = 'chunk-size';
    } else {
      if (length !== null && !/^\d{1,15}$/.test(length)) return this.#refuse(400, 'malformed content-length');
      this.#bodyBytes = length === null ? 0 : Number(length);
      if (this.#bodyBytes > this.#limits.bodyBytes) return this.#refuse(413, 'body too large');
      this.#stage = 'sized-body';
    }
    if (coding !== null || this.#bodyBytes > 0) {
      if (this.#value(EXPECT, bytes)?.toLowerCase() === '100-continue') this.#sink.onContinue();
    }
    return true;
  }

  #readSizedBody(bytes: Buffer, at: number): number {
    const wanted = this.#bodyBytes - this.#filled;
    const there = bytes.length - at;
    if (this.#filled === 0 && there >= wanted) {
      this.#finish(wanted === 0 ? EMPTY : bytes.subarray(at, at + wanted));
      return at + wanted;
    }
    if (there === 0) return INCOMPLETE;
    if (this.#filled === 0) this.#body = Buffer.allocUnsafe(this.#bodyBytes);
    const taken = Math.min(wanted, there);
    bytes.copy(this.#body, this.#filled, at, at + taken);
    this.#filled += taken;
    if (taken === wanted) this.#finish(this.#body);
    return at + taken;
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    const limit = at + CHUNK_LINE_BYTES;
    const stop = Math.min(bytes.length, limit);
    let i = at;
    let size = 0;
    for (; i < stop; i++) {
      const digit = hexDigit(bytes[i]!);
      if (digit < 0) break;
      size = size * 16 + digit;
      if (this.#bodyBytes + size > this.#limits.bodyBytes) return this.#fail(413, 'body too large');
    }
    if (i < stop && i === at) return this.#fail(400, 'malformed chunk size');
    if (i < stop && bytes[i] === SEMICOLON) while (i < stop && VALUE[bytes[i]!] === 1) i++;
    if (i < stop && bytes[i] !== CR) return this.#fail(400, 'malformed chunk size');
    if (i + 2 > stop) return stop === limit ? this.#fail(400, 'malformed chunk size') : INCOMPLETE;
    if (bytes[i + 1] !== LF) return this.#fail(400, 'malformed chunk size');
    this.#bodyBytes += size;
    this.#chunkLeft = size;
    this.#filled = 0;
    this.#stage = size === 0 ? 'trailers' : 'chunk-data';
    return i + 2;
  }

  #readChunkData(bytes: Buffer, at: number): number {
    const taken = Math.min(this.#chunkLeft, bytes.length - at);
    if (taken === 0) return INCOMPLETE;
    this.#pieces.push(bytes.subarray(at, at + taken));
    this.#chunkLeft -= taken;
    if (this.#chunkLeft === 0) this.#stage = 'chunk-end';
    return at + taken;
  }

  #readChunkEnd(bytes: Buffer, at: number): number {
    if (at < bytes.length && bytes[at] !== CR) return this.#fail(400, 'malformed chunk');
    if (at + 2 > bytes.length) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return this.#fail(400, 'malformed chunk');
    this.#stage = 'chunk-size';
    return at + 2;
  }

  /** One line; `#filled` counts the section's bytes. Trailers are skipped, because nothing here uses them. */
  #readTrailer(bytes: Buffer, at: number): number {
    const limit = at + this.#limits.headBytes - this.#filled;
    const stop = Math.min(bytes.length, limit);
    let i = at;
    while (i < stop && VALUE[bytes[i]!] === 1) i++;
    if (i < stop && bytes[i] !== CR) return this.#fail(400, 'malformed trailer');
    if (i + 2 > stop) return this.#short(stop === limit ? 431 : INCOMPLETE);
    if (bytes[i + 1] !== LF) return this.#fail(400, 'malformed trailer');
    this.#filled += i + 2 - at;
    if (i === at) this.#finish(Buffer.concat(this.#pieces));
    return i + 2;
  }

  #finish(body: Buffer): void {
    this.#stage = 'head';
    this.#body = EMPTY;
    this.#pieces = [];
    this.#sink.onRequest({
      method: this.#method,
      target: this.#target,
      apiKey: this.#apiKey,
      idempotencyKey: this.#idempotencyKey,
      contentType: this.#contentType,
      keepAlive: this.#keepAlive,
      body,
    });
  }

  #short(why: 431 | typeof INCOMPLETE): number {
    return why === INCOMPLETE ? INCOMPLETE : this.#fail(431, 'headers too large');
  }

  #fail(status: ParseFailure['status'], reason: string): number {
    this.#stage = 'failed';
    this.#sink.onFailure({ status, reason });
    return FAILED;
  }

  #refuse(status: ParseFailure['status'], reason: string): false {
    this.#fail(status, reason);
    return false;
  }
}

function byteSet(has: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (has(byte) ? 1 : 0));
}

function slotOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  const slot = length < SLOT_BY_LENGTH.length ? SLOT_BY_LENGTH[length]! : -1;
  if (slot < 0) return -1;
  const name = SLOT_BYTES[slot]!;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!;
    const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
    if (lower !== name[i]) return -1;
  }
  return slot;
}

function isPost(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    bytes[start] === 80 &&
    bytes[start + 1] === 79 &&
    bytes[start + 2] === 83 &&
    bytes[start + 3] === 84
  );
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
