import type { IHeaders } from 'kafkajs';

interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** What is used of kafkajs's own decoder of the Kafka protocol. */
interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readVarInt(): number;
  readVarLong: (this: Decoder) => unknown;
  readVarIntArray(read: (decoder: Decoder) => Header): HeaderList;
}

/** A record's headers as kafkajs is about to gather them, with an accumulator that is replaced. */
interface HeaderList {
  reduce(gather: unknown, start: unknown): IHeaders;
}

const NO_VALUE = Buffer.alloc(0);
/** Bytes of a variable-length long that fits 32-bit arithmetic, whatever is in them. */
const SMALL_LONG_BYTES = 4;

/**
 * Replaces how kafkajs 2.2.4 gathers a record's headers. Its own way copies all of them for each one, so that a single record
 * of 9,000 headers stops the event loop for a minute; a header named `constructor` becomes a list that begins with a
 * function; and one without a value, legal on the wire, cannot be written again. Here it becomes an empty one.
 * Timestamps it reads in BigInt arithmetic, which is needed for the fewest.
 */
export function mendProtocolDecoding(): void {
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
  // Only of timestamps, as the distance from a batch's first: kafkajs adds it to a long, and takes a number for one.
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
