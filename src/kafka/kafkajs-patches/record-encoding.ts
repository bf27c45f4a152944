/** A record from kafkajs's producer, with the deltas that its batch adds. */
interface RecordToEncode {
  readonly offsetDelta: number;
  readonly timestampDelta: unknown;
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
}

type HeaderValue = Buffer | string;

/** The part of an encoder that kafkajs's other encoders read. */
export interface Encoded {
  readonly buf: Buffer;
  readonly buffer: Buffer;
  readonly offset: number;
}

type EncodeRecord = (record: RecordToEncode) => Encoded;

const RECORD_MODULE = 'kafkajs/src/protocol/recordBatch/record/v0';
/** Below this the doubling by zigzag stays within 32 bits, and shifts work on 32 bits. */
const MAX_INT = 2 ** 30;
const NULL_LENGTH = -1;
const ATTRIBUTES_BYTES = 1;

/**
 * Replaces how kafkajs 2.2.4 encodes a record. kafkajs uses two encoders and several arrays, and two more encoders for
 * each header. This function computes the size first and writes into one piece of pooled memory. The bytes are the
 * same. Must be called before anything is produced: only then does kafkajs load the code that encodes batches.
 */
export function patchRecordEncoding(): void {
  const stock = require(RECORD_MODULE) as EncodeRecord;
  const loaded = require.cache[require.resolve(RECORD_MODULE)];
  if (loaded === undefined) throw new Error('kafkajs is not where it was');
  loaded.exports = recordEncoder(stock);
}

/**
 * @param stock kafkajs's own function, used for records whose timestamp is more than 12 days after the batch's first
 */
export function recordEncoder(stock: EncodeRecord): EncodeRecord {
  return (record) => {
    const { offsetDelta, timestampDelta, key = null, value, headers = {} } = record;
    if (typeof timestampDelta !== 'number' || timestampDelta < 0 || timestampDelta >= MAX_INT) return stock(record);
    const keyLength = lengthOf(key);
    const valueLength = lengthOf(value);
    const names = Object.keys(headers);
    let headerCount = 0;
    let bodyLength =
      ATTRIBUTES_BYTES +
      sizeOfVarInt(timestampDelta) +
      sizeOfVarInt(offsetDelta) +
      sizeOfBytes(keyLength) +
      sizeOfBytes(valueLength);
    for (const name of names) {
      const nameSize = sizeOfBytes(Buffer.byteLength(name));
      for (const each of valuesOf(headers[name])) {
        headerCount++;
        bodyLength += nameSize + sizeOfBytes(lengthOf(each));
      }
    }
    bodyLength += sizeOfVarInt(headerCount);

    const writer = new Writer(Buffer.allocUnsafe(sizeOfVarInt(bodyLength) + bodyLength));
    writer.varInt(bodyLength);
    writer.zero();
    writer.varInt(timestampDelta);
    writer.varInt(offsetDelta);
    writer.bytes(key, keyLength);
    writer.bytes(value, valueLength);
    writer.varInt(headerCount);
    for (const name of names) {
      const nameLength = Buffer.byteLength(name);
      for (const each of valuesOf(headers[name])) {
        writer.bytes(name, nameLength);
        writer.bytes(each, lengthOf(each));
      }
    }
    return { buf: writer.buffer, buffer: writer.buffer, offset: writer.buffer.length };
  };
}

class Writer {
  private at = 0;

  constructor(readonly buffer: Buffer) {}

  zero(): void {
    this.buffer[this.at++] = 0;
  }

  varInt(value: number): void {
    let rest = zigzag(value);
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  bytes(value: Buffer | string | null, length: number): void {
    this.varInt(length);
    if (value === null) return;
    if (typeof value === 'string') this.buffer.write(value, this.at, length);
    else value.copy(this.buffer, this.at);
    this.at += length;
  }
}

function valuesOf(header: HeaderValue | readonly HeaderValue[] | undefined): readonly (HeaderValue | null)[] {
  return Array.isArray(header) ? (header as readonly HeaderValue[]) : [(header as HeaderValue | undefined) ?? null];
}

function lengthOf(value: Buffer | string | null): number {
  return value === null ? NULL_LENGTH : Buffer.byteLength(value);
}

function sizeOfBytes(length: number): number {
  return sizeOfVarInt(length) + Math.max(0, length);
}

function sizeOfVarInt(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest > 0x7f) {
    rest >>>= 7;
    size++;
  }
  return size;
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}
