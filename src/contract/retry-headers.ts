import { causeHeaders, type DeadLetterCause, HEADER, type Headers, lastValue } from './headers';
import type { IncomingRecord } from './record';

/** A command on its way to a retry topic. */
export interface Parking extends DeadLetterCause {
  /** 1 for the first retry topic. */
  readonly round: number;
  /** Milliseconds since the epoch from which it may be sent. */
  readonly dueAtMs: number;
  /** Whether the record's key is the command's own, rather than its recipient. */
  readonly hasOwnKey: boolean;
}

/** What a record of a retry topic says of the command in it. */
export interface Returned {
  /** The command's record as it was on its command topic. */
  readonly origin: IncomingRecord;
  readonly round: number;
  readonly attempts: number;
  readonly dueAtMs: number;
}

/** Ours, each of which is replaced with every round. */
const OURS: ReadonlySet<string> = new Set([
  HEADER.originalTopic,
  HEADER.originalPartition,
  HEADER.originalOffset,
  HEADER.originalTimestamp,
  HEADER.outcome,
  HEADER.error,
  HEADER.attempts,
  HEADER.retryDue,
  HEADER.retryRound,
  HEADER.retryOwnKey,
]);
const MAX_TOPIC_BYTES = 249;
const MAX_NUMBER_BYTES = 20;

/** Headers of a record on a retry topic: the command's own, and ours over those of the same name. */
export function retryHeaders(own: Headers, parking: Parking): Headers {
  return {
    ...own,
    ...causeHeaders(parking),
    [HEADER.retryDue]: String(parking.dueAtMs),
    [HEADER.retryRound]: String(parking.round),
    [HEADER.retryOwnKey]: String(parking.hasOwnKey),
  };
}

/** Milliseconds since the epoch from which a retry record may be sent; null where it does not say so. */
export function dueAtMs(headers: Headers): number | null {
  return numberOf(headers, HEADER.retryDue);
}

/** Reads a record of a retry topic; null where its headers are not those of one. */
export function readReturned(record: IncomingRecord): Returned | null {
  const { headers } = record;
  const topic = lastValue(headers, HEADER.originalTopic, MAX_TOPIC_BYTES)?.toString() ?? null;
  const partition = numberOf(headers, HEADER.originalPartition);
  const offset = numberOf(headers, HEADER.originalOffset);
  const timestampMs = numberOf(headers, HEADER.originalTimestamp);
  const round = numberOf(headers, HEADER.retryRound);
  const attempts = numberOf(headers, HEADER.attempts);
  const due = dueAtMs(headers);
  if (topic === null || partition === null || offset === null || timestampMs === null) return null;
  if (round === null || attempts === null || due === null) return null;
  const key = lastValue(headers, HEADER.retryOwnKey, MAX_NUMBER_BYTES)?.toString() === 'false' ? null : record.key;
  const own: Headers = Object.create(null) as Headers;
  for (const [name, value] of Object.entries(headers)) if (!OURS.has(name)) own[name] = value;
  const origin = { topic, partition, offset, timestampMs, key, value: record.value, headers: own };
  return { origin, round, attempts, dueAtMs: due };
}

function numberOf(headers: Headers, name: string): number | null {
  const text = lastValue(headers, name, MAX_NUMBER_BYTES)?.toString() ?? '';
  const number = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(number) ? number : null;
}
