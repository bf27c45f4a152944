import type { IHeaders } from 'kafkajs';

interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** The used part of kafkajs's decoder of the Kafka protocol. */
interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readVarInt(): number;
  readVarLong: (this: Decoder) => unknown;
  readVarIntArray(read: (decoder: Decoder) => Header): HeaderList;
}

/** kafkajs calls `reduce` to make an object of a record's headers. Here its arguments are ignored. */
interface HeaderList {
  reduce(gather: unknown, start: unknown): IHeaders;
}

const NO_VALUE = Buffer.alloc(0);
/** A variable-length long of at most so many bytes always fits 32-bit arithmetic. */
const SMALL_LONG_BYTES = 4;

/**
 * Replaces how kafkajs 2.2.4 reads headers and timestamps.
 *
 * - It copies all headers of a record once for each header: one record with 9,000 headers stops the event loop for a
 *   minute.
 * - A header named `constructor` becomes a list that begins with a function.
 * - A header without a value is legal, but kafkajs cannot write it again. Here its value becomes empty.
 * - It reads all timestamps in BigInt arithmetic, which very few need.
 */
export function patchProtocolDecoding(): void {
  const { prototype } = require('kafkajs/src/protocol/decoder') as { readonly prototype: Decoder };
  // Headers are the only arrays of this kind in kafkajs.
  prototype.readVarIntArray = function (read) {
    const headers: Record<string, Buffer | Buffer[]> = Object.create(null) as Record<string, Buffer | Buffer[]>;
    const count = this.readVarInt();
    for (let at = 0; at < count; at++) {
      const { key, value } = read(this);
      add(headers, key, value ?? NO_VALUE);
    }
    return { reduce: () => headers };
  };
  const { readVarLong } = prototype;
  // Used for timestamps only, each as its distance from the batch's first. kafkajs adds it to a long, and accepts a
  // number.
  prototype.readVarLong = function () {
    let value = 0;
    for (let at = 0; at < SMALL_LONG_BYTES; at++) {
      const byte = this.buffer[this.offset + at] ?? 0;
      value |= (byte & 0x7f) << (7 * at);
      if (byte < 0x80) {
        this.offset += at + 1;
        return (value >>> 1) ^ -(value & 1);
      }
    }
    return readVarLong.call(this);
  };
}

function add(headers: Record<string, Buffer | Buffer[]>, name: string, value: Buffer): void {
  const earlier = headers[name];
  if (earlier === undefined) headers[name] = value;
  else if (Array.isArray(earlier)) earlier.push(value);
  else headers[name] = [earlier, value];
}
