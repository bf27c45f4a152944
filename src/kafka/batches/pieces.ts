import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions';
import type { OneAtATime } from './one-at-a-time';
import { faultOf, FORMAT, LAST_OLD_FORMAT, type RecordBatch, splitBatches } from './record-batch';
import { type FetchedRecord, MalformedRecords, RecordReader } from './records';
import { unpack, type Unpacked } from './unpack';

/** Records of one piece. Taking in more at once would hold up answers of the API for tens of milliseconds. */
export const RECORDS_PER_PIECE = 32;
/** Records that are passed over in one turn of the event loop. */
const RECORDS_PER_TURN = 4_096;
/** Batches that are no larger once unpacked are unpacked by any number of consumers at once. */
const SMALL_BYTES = 1024 * 1024;
/** Version and type of a transaction's marker. */
const MARKER_KEY_BYTES = 4;
const ABORT = 0;

/** What a fetch has brought of one partition, as it came. */
export interface FetchedBytes {
  readonly bytes: Buffer;
  /** The offset that was asked for: batches that begin before it come whole. */
  readonly from: number;
  readonly highWatermark: number;
  readonly abortedTransactions: readonly AbortedTransaction[];
}

/** A batch of which no record can be read. */
export interface UnreadableBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** As it lies in the log; a view of the fetch. */
  readonly bytes: Buffer;
  readonly timestampMs: number;
  readonly why: string;
  /** Whether another fetch may bring it whole. */
  readonly mayRecover: boolean;
}

/** A part of what a fetch has brought, in the order of offsets. */
export type Piece =
  | { readonly kind: 'records'; readonly records: readonly FetchedRecord[] }
  /** There is nothing more to be read before `next`, whatever there was: gaps and markers included. */
  | { readonly kind: 'passed'; readonly next: number }
  | { readonly kind: 'unreadable'; readonly batch: UnreadableBatch };

export interface Limits {
  /** Largest batch after it is decompressed. */
  readonly maxBatchBytes: number;
  /** The turn of what is larger than 1 MiB unpacked. */
  readonly large: OneAtATime;
  /** Reads an entry in a format of before Kafka 0.11. */
  readonly readOldEntry: (bytes: Buffer) => Promise<readonly FetchedRecord[]>;
}

/**
 * Everything that a fetch has brought of one partition, unpacked as it is asked for. Records of aborted transactions
 * are left out unread. Never throws for what is in a batch. Whoever ends early, ends the generator, which gives up its
 * turn.
 */
export async function* piecesOf(fetched: FetchedBytes, limits: Limits): AsyncGenerator<Piece> {
  const aborted = new AbortedTransactions(fetched.abortedTransactions);
  const batches = splitBatches(fetched.bytes);
  for (const [index, batch] of batches.entries()) {
    // A batch whose header is damaged may claim any offsets: never more than up to what is known to follow.
    const end = Math.min(batches[index + 1]?.firstOffset ?? Infinity, Math.max(fetched.highWatermark, fetched.from));
    const bounded = { ...batch, lastOffset: Math.max(batch.firstOffset, Math.min(batch.lastOffset, end - 1)) };
    if (batch.format <= LAST_OLD_FORMAT) yield* oldPieces(bounded, fetched.from, limits);
    else yield* batchPieces(bounded, fetched.from, aborted, limits);
  }
  const last = batches.at(-1);
  // Only what lies before the offset that was asked for: as kafkajs does, go on, since a fetch would bring it again.
  if (last !== undefined && last.lastOffset < fetched.from) yield { kind: 'passed', next: fetched.from + 1 };
}

async function* batchPieces(
  batch: RecordBatch,
  from: number,
  aborted: AbortedTransactions,
  limits: Limits,
): AsyncGenerator<Piece> {
  const passed: Piece = { kind: 'passed', next: batch.lastOffset + 1 };
  if (aborted.has(batch)) {
    yield passed;
    return;
  }
  const fault = faultOf(batch);
  if (fault !== null) {
    yield unreadable({ ...batch, lastOffset: Math.max(batch.lastOffset, from) }, fault, batch.format === FORMAT);
    return;
  }
  if (batch.lastOffset < from) return;
  if (batch.records.length === 0 && batch.count === 0) {
    // Compaction has removed all records, and keeps the batch for its producer's sequence.
    yield passed;
    return;
  }
  let endTurn: (() => void) | null = null;
  try {
    let unpacked = await unpack(batch.codec, batch.records, Math.min(SMALL_BYTES, limits.maxBatchBytes));
    if (unpacked.kind === 'too-large' && limits.maxBatchBytes > SMALL_BYTES) {
      endTurn = await limits.large.enter();
      unpacked = await unpack(batch.codec, batch.records, limits.maxBatchBytes);
    }
    if (unpacked.kind !== 'unpacked') {
      yield unreadable(batch, whyNot(unpacked, batch, limits), unpacked.kind === 'damaged');
      return;
    }
    yield* recordPieces(batch, unpacked.bytes, from, aborted);
    yield passed;
  } catch (error) {
    if (!(error instanceof MalformedRecords)) throw error;
    yield unreadable(batch, 'its structure is wrong', true);
  } finally {
    endTurn?.();
  }
}

async function* recordPieces(
  batch: RecordBatch,
  bytes: Buffer,
  from: number,
  aborted: AbortedTransactions,
): AsyncGenerator<Piece> {
  const checked = new RecordReader(batch, bytes);
  do {
    checked.check(RECORDS_PER_TURN);
    if (!checked.isAtEnd) await nextTurn();
  } while (!checked.isAtEnd);
  const reader = new RecordReader(batch, bytes);
  if (batch.isControl) {
    const [marker] = reader.take(1);
    if (marker?.key === undefined || marker.key === null || marker.key.length < MARKER_KEY_BYTES) {
      throw new MalformedRecords('a marker has no type');
    }
    if (marker.key.readInt16BE(2) === ABORT) aborted.ended(batch.producerId);
    return;
  }
  while (!reader.skipTo(from, RECORDS_PER_TURN)) await nextTurn();
  while (!reader.isAtEnd) yield { kind: 'records', records: reader.take(RECORDS_PER_PIECE) };
}

/** An entry of the old formats has the offset of its last record. */
async function* oldPieces(batch: RecordBatch, from: number, limits: Limits): AsyncGenerator<Piece> {
  const next = batch.firstOffset + 1;
  if (next <= from) return;
  let records: readonly FetchedRecord[];
  try {
    records = await limits.readOldEntry(batch.bytes);
  } catch {
    yield unreadable({ ...batch, lastOffset: batch.firstOffset }, 'its structure is wrong', true);
    return;
  }
  const wanted = records.filter(({ offset }) => offset >= from);
  for (let at = 0; at < wanted.length; at += RECORDS_PER_PIECE) {
    yield { kind: 'records', records: wanted.slice(at, at + RECORDS_PER_PIECE) };
  }
  yield { kind: 'passed', next };
}

function unreadable(batch: RecordBatch, why: string, mayRecover: boolean): Piece {
  const { firstOffset, lastOffset, bytes, firstTimestampMs: timestampMs } = batch;
  return { kind: 'unreadable', batch: { firstOffset, lastOffset, bytes, timestampMs, why, mayRecover } };
}

function whyNot(
  { kind }: Exclude<Unpacked, { kind: 'unpacked' }>,
  { codec }: RecordBatch,
  { maxBatchBytes }: Limits,
): string {
  switch (kind) {
    case 'too-large':
      return `it is larger than ${maxBatchBytes} bytes once decompressed (KAFKA_MAX_BATCH_BYTES)`;
    case 'damaged':
      return 'it cannot be decompressed';
    case 'unknown-codec':
      return `its codec ${codec} is not known`;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
