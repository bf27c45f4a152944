import type { Headers } from '../../contract/headers';
import type { RecordBatch } from './record-batch';

/** A record of a fetch. Key, value and header values are views of the batch. */
export interface FetchedRecord {
  readonly offset: number;
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
}

/** The bytes are no records, or not as many as the batch says. */
export class MalformedRecords extends Error {
  override readonly name = 'MalformedRecords';
}

export const NO_HEADERS: Headers = Object.freeze({});
const NO_VALUE = Buffer.alloc(0);
const NULL_LENGTH = -1;
/** Bytes of the longest variable-length integer of 32 and of 64 bits. */
const MAX_INT_BYTES = 5;
const MAX_LONG_BYTES = 10;
/** Bytes of a variable-length integer that fits 32-bit arithmetic, whatever is in them. */
const SMALL_BYTES = 4;

/**
 * Takes records from an unpacked batch one after another: two million of them may be 19 MB, and an object for each
 * would be more than the heap. `check` goes through all of them first and makes none, so that a batch is taken whole or
 * not at all.
 */
export class RecordReader {
  private at = 0;
  private taken = 0;
  private lastDelta = -1;

  constructor(
    private readonly batch: Pick<
      RecordBatch,
      'count' | 'firstOffset' | 'lastOffset' | 'firstTimestampMs' | 'appendedAtMs'
    >,
    private readonly bytes: Buffer,
  ) {}

  get isAtEnd(): boolean {
    return this.taken >= this.batch.count;
  }

  /** The next records, `limit` at most. */
  take(limit: number): FetchedRecord[] {
    const records: FetchedRecord[] = [];
    while (!this.isAtEnd && records.length < limit) records.push(this.next());
    return records;
  }

  /** Passes over records before `offset`, `limit` of them at most; says whether that one is reached. */
  skipTo(offset: number, limit: number): boolean {
    for (let left = limit; left > 0; left--) {
      const { at, taken, lastDelta } = this;
      if (this.isAtEnd) return true;
      if (this.pass() < offset) continue;
      Object.assign(this, { at, taken, lastDelta });
      return true;
    }
    return false;
  }

  /**
   * Goes through the next `limit` records at most.
   *
   * @throws MalformedRecords where they are none, do not rise in their offsets, or are not all that there is
   */
  check(limit: number): void {
    for (let left = limit; left > 0 && !this.isAtEnd; left--) this.pass();
    if (this.isAtEnd && this.at !== this.bytes.length) throw new MalformedRecords('bytes beyond the last record');
  }

  private next(): FetchedRecord {
    const end = this.begin();
    const timestampDelta = this.long();
    const offset = this.offset();
    const key = this.view();
    const value = this.view();
    const headers = this.headers();
    this.end(end);
    const { appendedAtMs, firstTimestampMs } = this.batch;
    return { offset, timestampMs: appendedAtMs ?? firstTimestampMs + timestampDelta, key, value, headers };
  }

  /** Passes over one record, and returns its offset. */
  private pass(): number {
    const end = this.begin();
    this.long();
    const offset = this.offset();
    this.skip(this.length(NULL_LENGTH));
    this.skip(this.length(NULL_LENGTH));
    for (let left = this.length(0); left > 0; left--) {
      this.skip(this.length(0));
      this.skip(this.length(NULL_LENGTH));
    }
    this.end(end);
    return offset;
  }

  /** The beginning of a record, up to its attributes. Returns where it ends. */
  private begin(): number {
    const length = this.length(1);
    const end = this.at + length;
    if (end > this.bytes.length) throw new MalformedRecords('a record reaches beyond the batch');
    this.at++;
    return end;
  }

  private end(expected: number): void {
    if (this.at !== expected) throw new MalformedRecords('a record is not as long as it says');
    this.taken++;
  }

  private offset(): number {
    const delta = this.int();
    const { firstOffset, lastOffset } = this.batch;
    if (delta <= this.lastDelta || firstOffset + delta > lastOffset) {
      throw new MalformedRecords('the offsets of records do not rise, or leave the batch');
    }
    this.lastDelta = delta;
    return firstOffset + delta;
  }

  private headers(): Headers {
    const count = this.length(0);
    if (count === 0) return NO_HEADERS;
    const headers: Headers = Object.create(null) as Headers;
    for (let left = count; left > 0; left--) {
      const name = this.view()?.toString();
      if (name === undefined) throw new MalformedRecords('a header has no name');
      const value = this.view() ?? NO_VALUE;
      const earlier = headers[name];
      if (earlier === undefined) headers[name] = value;
      else if (Array.isArray(earlier)) earlier.push(value);
      else headers[name] = [earlier, value];
    }
    return headers;
  }

  private view(): Buffer | null {
    const length = this.length(NULL_LENGTH);
    if (length === NULL_LENGTH) return null;
    const from = this.at;
    this.skip(length);
    return this.bytes.subarray(from, this.at);
  }

  private skip(length: number): void {
    if (length === NULL_LENGTH) return;
    this.at += length;
    if (this.at > this.bytes.length) throw new MalformedRecords('a part reaches beyond the batch');
  }

  private length(least: number): number {
    const length = this.int();
    if (length < least) throw new MalformedRecords('a length is negative');
    return length;
  }

  /** A zigzag integer of 32 bits. */
  private int(): number {
    const { bytes } = this;
    let value = 0;
    for (let index = 0; index < MAX_INT_BYTES; index++) {
      const byte = bytes[this.at++];
      if (byte === undefined) break;
      value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new MalformedRecords('an integer has no end');
  }

  /** A zigzag integer of 64 bits; exact to 2^53, which times in milliseconds need for 285,000 years. */
  private long(): number {
    const { bytes, at } = this;
    for (let index = 0; index < MAX_LONG_BYTES; index++) {
      const byte = bytes[at + index];
      if (byte === undefined) break;
      if (byte >= 0x80) continue;
      if (index < SMALL_BYTES) return this.int();
      this.at = at + index + 1;
      return Number(wideLong(bytes.subarray(at, this.at)));
    }
    throw new MalformedRecords('an integer has no end');
  }
}

function wideLong(bytes: Buffer): bigint {
  let value = 0n;
  bytes.forEach((byte, index) => (value |= BigInt(byte & 0x7f) << BigInt(7 * index)));
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}
