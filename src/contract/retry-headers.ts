import { causeHeaders, type DeadLetterCause, HEADER, type Headers, lastValue } from './headers';
import type { IncomingRecord } from './record';

/** The next round of a command: what its record on the retry topic says. */
export interface NextRound extends DeadLetterCause {
  /** 1 for the first retry topic. */
  readonly round: number;
  /** It may be sent from this time on, in milliseconds since the epoch. */
  readonly dueAtMs: number;
  /** Whether the record has the key of the command's record. Else its key is the recipient. */
  readonly hasOwnKey: boolean;
}

/** What a record of a retry topic says about its command. */
export interface Returned {
  /** The command's record, as it was on its command topic. */
  readonly origin: IncomingRecord;
  readonly round: number;
  readonly attempts: number;
  readonly dueAtMs: number;
}

/** Headers that the service adds to a retry record. Every round replaces them. */
const ADDED: ReadonlySet<string> = new Set([
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

/** Headers of a record on a retry topic: the command's own and the service's, which win if names are the same. */
export function retryHeaders(own: Headers, next: NextRound): Headers {
  return {
    ...own,
    ...causeHeaders(next),
    [HEADER.retryDue]: String(next.dueAtMs),
    [HEADER.retryRound]: String(next.round),
    [HEADER.retryOwnKey]: String(next.hasOwnKey),
  };
}

/** The command may be sent from this time on, in milliseconds since the epoch; null if the record does not say. */
export function dueAtMs(headers: Headers): number | null {
  return numberOf(headers, HEADER.retryDue);
}

/** Reads a record of a retry topic; null if its headers are not those of a retry record. */
export function readReturned(record: IncomingRecord): Returned | null {
  const { headers } = record;
  const topic = lastValue(headers, HEADER.originalTopic, MAX_TOPIC_BYTES)?.toString() ?? null;
  const partition = numberOf(headers, HEADER.originalPartition);
  const offset = numberOf(headers, HEADER.originalOffset);
  const timestampMs = timestampOf(headers);
  const round = numberOf(headers, HEADER.retryRound);
  const attempts = numberOf(headers, HEADER.attempts);
  const due = dueAtMs(headers);
  if (topic === null || partition === null || offset === null || timestampMs === null) return null;
  if (round === null || attempts === null || due === null) return null;
  const key = lastValue(headers, HEADER.retryOwnKey, MAX_NUMBER_BYTES)?.toString() === 'false' ? null : record.key;
  const own: Headers = Object.create(null) as Headers;
  for (const [name, value] of Object.entries(headers)) if (!ADDED.has(name)) own[name] = value;
  const origin = { topic, partition, offset, timestampMs, key, value: record.value, headers: own };
  return { origin, round, attempts, dueAtMs: due };
}

/** A record's timestamp may be -1, for none. */
function timestampOf(headers: Headers): number | null {
  const text = lastValue(headers, HEADER.originalTimestamp, MAX_NUMBER_BYTES)?.toString() ?? '';
  return /^-?\d+$/.test(text) ? Number(text) : null;
}

function numberOf(headers: Headers, name: string): number | null {
  const text = lastValue(headers, name, MAX_NUMBER_BYTES)?.toString() ?? '';
  const number = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(number) ? number : null;
}
