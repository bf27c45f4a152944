import { patchProtocolDecoding } from '../../src/kafka/kafkajs-patches/protocol-decoding';
import type { Headers } from '../../src/contract/headers';
import { toBuffer } from './bytes';
import type { WireHeaders } from './headers';

type DecodeRecord = (decoder: unknown, batch: object) => { readonly headers: Headers };

patchProtocolDecoding();
const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object;
const decodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/decoder') as DecodeRecord;
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => {
  readonly buffer: Buffer;
};

const batch = { firstOffset: '0', firstTimestamp: '0' };
/** Attributes, differences of timestamp and offset, no key, no value. */
const RECORD_START = Buffer.from([0, 0, 0, 1, 1]);

/** Headers as the service gets them, decoded from the bytes that a broker sends. */
export function receive(headers: WireHeaders): Headers {
  const parts = [RECORD_START, varInt(headers.length)];
  for (const [name, value] of headers) {
    const bytes = value === null ? null : toBuffer(value);
    const nameBytes = Buffer.from(name);
    parts.push(
      varInt(nameBytes.length),
      nameBytes,
      varInt(bytes === null ? -1 : bytes.length),
      bytes ?? Buffer.alloc(0),
    );
  }
  return decodeRecord(new Decoder(Buffer.concat(parts)), batch).headers;
}

/** The headers that a broker gets: by name, all values in their order. */
export function send(headers: Headers): ReadonlyMap<string, readonly Buffer[]> {
  const { buffer } = encodeRecord({ key: null, value: Buffer.alloc(0), headers });
  const reader = new Reader(buffer);
  reader.varInt();
  reader.skip(RECORD_START.length);
  const byName = new Map<string, Buffer[]>();
  for (let left = reader.varInt(); left > 0; left--) {
    const name = reader.bytes(reader.varInt()).toString();
    const values = byName.get(name) ?? [];
    values.push(reader.bytes(reader.varInt()));
    byName.set(name, values);
  }
  return byName;
}

/** Kafka's integer of variable length: zigzag, seven bits a byte, the lowest first. */
function varInt(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

class Reader {
  private at = 0;

  constructor(private readonly buffer: Buffer) {}

  varInt(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.buffer.readUInt8(this.at++);
      value += (byte % 128) * unit;
      if (byte < 128) return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    }
  }

  bytes(length: number): Buffer {
    this.at += length;
    return this.buffer.subarray(this.at - length, this.at);
  }

  skip(length: number): void {
    this.at += length;
  }
}
