import { crc32c } from '@node-rs/crc32';

/** A stored batch of records as it lies in the log, in the format of Kafka 0.11 and later ("magic 2"). */
export interface RecordBatch {
  /** The whole batch, a view of the fetch. */
  readonly bytes: Buffer;
  readonly format: number;
  readonly firstOffset: number;
  /** Of the batch as it was written: compaction may have removed any of its records. */
  readonly lastOffset: number;
  readonly codec: number;
  readonly isTransactional: boolean;
  /** Whether it holds a transaction's marker instead of records. */
  readonly isControl: boolean;
  readonly producerId: string;
  /** Milliseconds since the epoch; -1 for none. */
  readonly firstTimestampMs: number;
  /** Set where the broker's clock counts for every record of the batch. */
  readonly appendedAtMs: number | null;
  readonly count: number;
  /** The records, compressed where `codec` says so. */
  readonly records: Buffer;
}

/** The formats of before Kafka 0.11, read by kafkajs. */
export const LAST_OLD_FORMAT = 1;
export const FORMAT = 2;

const AT = {
  firstOffset: 0,
  length: 8,
  format: 16,
  checksum: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  firstTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  count: 57,
  records: 61,
} as const;
/** Bytes before those that the length counts. */
const UNCOUNTED_BYTES = 12;
/** Enough to know where an entry begins and ends, and its format. */
const COMMON_BYTES = 17;
const CODEC_MASK = 0x07;
const APPEND_TIME_FLAG = 0x08;
const TRANSACTIONAL_FLAG = 0x10;
const CONTROL_FLAG = 0x20;

/**
 * The entries of a fetch, in order. One that is cut off at the end is left out, since brokers cut at a number of bytes.
 * Never throws: what has no sensible header is an entry all the same, and ends the list.
 */
export function splitBatches(fetched: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + COMMON_BYTES <= fetched.length;) {
    const length = fetched.readInt32BE(at + AT.length);
    const end = at + UNCOUNTED_BYTES + length;
    const isWhole = length >= COMMON_BYTES - UNCOUNTED_BYTES;
    if (isWhole && end > fetched.length) break;
    batches.push(readHeader(fetched.subarray(at, isWhole ? end : fetched.length)));
    if (!isWhole) break;
    at = end;
  }
  return batches;
}

function readHeader(bytes: Buffer): RecordBatch {
  const firstOffset = Number(bytes.readBigInt64BE(AT.firstOffset));
  const format = bytes.readInt8(AT.format);
  const header = bytes.length >= AT.records ? bytes : Buffer.concat([bytes, Buffer.alloc(AT.records)]);
  const attributes = header.readInt16BE(AT.attributes);
  const maxTimestampMs = Number(header.readBigInt64BE(AT.maxTimestamp));
  return {
    bytes,
    format,
    firstOffset,
    lastOffset: firstOffset + Math.max(0, header.readInt32BE(AT.lastOffsetDelta)),
    codec: attributes & CODEC_MASK,
    isTransactional: (attributes & TRANSACTIONAL_FLAG) !== 0,
    isControl: (attributes & CONTROL_FLAG) !== 0,
    producerId: String(header.readBigInt64BE(AT.producerId)),
    firstTimestampMs: Number(header.readBigInt64BE(AT.firstTimestamp)),
    appendedAtMs: (attributes & APPEND_TIME_FLAG) === 0 ? null : maxTimestampMs,
    count: header.readInt32BE(AT.count),
    records: bytes.subarray(AT.records),
  };
}

/** What is wrong with a batch of this format on the face of it; null for nothing. */
export function faultOf({ bytes, format, count }: RecordBatch): string | null {
  if (format !== FORMAT) return `its format ${format} is not known`;
  if (bytes.length < AT.records || count < 0) return 'its structure is wrong';
  const sum = crc32c(bytes.subarray(AT.attributes));
  return sum === bytes.readUInt32BE(AT.checksum) ? null : 'its checksum is wrong';
}
