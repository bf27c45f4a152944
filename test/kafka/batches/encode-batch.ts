import { crc32c } from '@node-rs/crc32';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';

/** A record to encode; whatever is left out is null, empty or 0. */
export interface RecordToWrite {
  readonly offsetDelta?: number;
  readonly timestampDelta?: number | bigint;
  readonly key?: Buffer | string | null;
  readonly value?: Buffer | string | null;
  readonly headers?: readonly (readonly [name: string, value: Buffer | string | null])[];
}

export interface BatchToWrite {
  readonly firstOffset?: number;
  readonly lastOffsetDelta?: number;
  readonly attributes?: number;
  readonly firstTimestampMs?: number;
  readonly maxTimestampMs?: number;
  readonly producerId?: number;
  readonly count?: number;
  /** In place of the packed records. */
  readonly packed?: Buffer;
  readonly compress?: (records: Buffer) => Buffer;
}

/** By the codec's number in a batch's attributes. */
const COMPRESS: readonly ((records: Buffer) => Buffer)[] = [
  (records) => records,
  (records) => gzipSync(records),
  (records) => compressSync(records),
  (records) => compressFrameSync(records),
  (records) => zstdCompressSync(records),
];

const NOTHING = Buffer.alloc(0);

export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function sized(bytes: Buffer | string | null): Buffer {
  if (bytes === null) return varint(-1);
  const buffer = Buffer.from(bytes);
  return Buffer.concat([varint(buffer.length), buffer]);
}

function encodeRecord(record: RecordToWrite): Buffer {
  const { offsetDelta = 0, timestampDelta = 0, key = null, value = null, headers = [] } = record;
  return sized(
    Buffer.concat([
      Buffer.alloc(1),
      varint(timestampDelta),
      varint(offsetDelta),
      sized(key),
      sized(value),
      varint(headers.length),
      ...headers.flatMap(([name, content]) => [sized(name), sized(content)]),
    ]),
  );
}

/** A batch as it lies in a log. Records without an offset of their own follow one another. */
export function encodeBatch(records: readonly RecordToWrite[], batch: BatchToWrite = {}): Buffer {
  const numbered = records.map((record, index) => ({ offsetDelta: index, ...record }));
  const plain = Buffer.concat(numbered.map(encodeRecord));
  const { attributes = 0, firstTimestampMs = 0 } = batch;
  const compress = batch.compress ?? COMPRESS[attributes & 7] ?? (() => NOTHING);
  const packed = batch.packed ?? compress(plain);
  const bytes = Buffer.alloc(61 + packed.length);
  bytes.writeBigInt64BE(BigInt(batch.firstOffset ?? 0), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(attributes, 21);
  bytes.writeInt32BE(batch.lastOffsetDelta ?? Math.max(0, numbered.at(-1)?.offsetDelta ?? 0), 23);
  bytes.writeBigInt64BE(BigInt(firstTimestampMs), 27);
  bytes.writeBigInt64BE(BigInt(batch.maxTimestampMs ?? firstTimestampMs), 35);
  bytes.writeBigInt64BE(BigInt(batch.producerId ?? -1), 43);
  bytes.writeInt16BE(-1, 51);
  bytes.writeInt32BE(-1, 53);
  bytes.writeInt32BE(batch.count ?? records.length, 57);
  packed.copy(bytes, 61);
  return sealed(bytes);
}

/** The batch with the checksum that it should have. */
export function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}
