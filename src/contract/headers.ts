import type { Outcome, Source } from './outcome';
import { cutError } from './result';
import type { OffsetRange } from './record';
import { isLegalTopic } from './topics';

type HeaderValue = Buffer | string;

/** Headers of a Kafka record, in the form of kafkajs: a name that occurs several times has an array. */
export type Headers = Record<string, HeaderValue | HeaderValue[] | undefined>;

/** Every header that the service reads or writes. The names with `kafka_` come from Spring and Nest. */
export const HEADER = {
  commandId: 'command-id',
  outcome: 'outcome',
  error: 'error',
  attempts: 'attempts',
  contentType: 'content-type',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  correlationId: 'kafka_correlationId',
  replyTopic: 'kafka_replyTopic',
  replyPartition: 'kafka_replyPartition',
  nestIsDisposed: 'kafka_nest-is-disposed',
  originalTopic: 'kafka_dlt-original-topic',
  originalPartition: 'kafka_dlt-original-partition',
  originalOffset: 'kafka_dlt-original-offset',
  originalTimestamp: 'kafka_dlt-original-timestamp',
  truncated: 'kafka_dlt-truncated',
  /** `<first>-<last>`: the offsets of a batch that could not be read, whose bytes are the value. */
  batch: 'kafka_dlt-batch',
  retryDue: 'retry-due',
  retryRound: 'retry-round',
  retryOwnKey: 'retry-own-key',
  /** `<topic>/<partition>/<offset>` of the command whose dead letter was redriven. */
  redrive: 'redrive',
} as const;

const MAX_CORRELATION_BYTES = 4_096;
/** Headers that a result copies from its command, with the most bytes that each may have. */
const COPIED: readonly (readonly [name: string, maxBytes: number])[] = [
  [HEADER.traceparent, 256],
  [HEADER.tracestate, 4_096],
  [HEADER.correlationId, MAX_CORRELATION_BYTES],
];

const MAX_PARTITION = 2 ** 31 - 1;
const MAX_REDRIVE_BYTES = 300;
/** Nest only checks that the header exists. Its own server sends this value. */
const DISPOSED = Buffer.alloc(1);

/** Where a command wants a reply: a copy of its result, beside the results topic. */
export interface ReplyTarget {
  readonly topic: string;
  /** Null if the partitioner chooses. */
  readonly partition: number | null;
  readonly correlationId: HeaderValue | null;
}

/** Why a dead letter or retry record was written, and where its command came from. */
export interface DeadLetterCause {
  readonly source: Source;
  /** Timestamp of the command's record: milliseconds since the epoch, in decimal. */
  readonly timestamp: string;
  readonly outcome: Outcome;
  readonly error: string;
  readonly attempts: number;
  /** The offsets of a batch that could not be read, for a dead letter of one. */
  readonly batch?: OffsetRange;
}

/**
 * Headers of a result. It copies only the command's headers for tracing and correlation, and none that is so large that
 * the broker might refuse the result.
 */
export function resultHeaders(own: Headers, commandId: string | null, outcome: Outcome): Headers {
  const headers: Headers = { [HEADER.outcome]: outcome, [HEADER.contentType]: 'application/json' };
  if (commandId !== null) headers[HEADER.commandId] = commandId;
  for (const [name, maxBytes] of COPIED) {
    const value = lastValue(own, name, maxBytes);
    if (value !== null) headers[name] = value;
  }
  return headers;
}

/** Names the redrive that a command comes from; null for none. */
export function redriveToken(own: Headers): string | null {
  return lastValue(own, HEADER.redrive, MAX_REDRIVE_BYTES)?.toString() ?? null;
}

/** Where the reply goes; null if the command wants no reply or names an impossible topic. */
export function replyTarget(own: Headers): ReplyTarget | null {
  const topic = lastValue(own, HEADER.replyTopic, 249)?.toString() ?? '';
  if (!isLegalTopic(topic)) return null;
  const correlationId = lastValue(own, HEADER.correlationId, MAX_CORRELATION_BYTES);
  return { topic, partition: toPartition(lastValue(own, HEADER.replyPartition, 10)), correlationId };
}

/** Headers of a reply. With them Nest's `ClientKafka.send()` completes. */
export function replyHeaders(target: ReplyTarget): Headers {
  const headers: Headers = { [HEADER.nestIsDisposed]: DISPOSED };
  if (target.correlationId !== null) headers[HEADER.correlationId] = target.correlationId;
  return headers;
}

/** Headers of a dead letter: the command's own and the service's, which win if names are the same. */
export function deadLetterHeaders(own: Headers, cause: DeadLetterCause): Headers {
  // No command may pass for a batch.
  const { [HEADER.batch]: _, ...others } = own;
  return { ...others, ...causeHeaders(cause) };
}

/** Headers of a dead letter that was too large: it has neither value nor the command's own headers. */
export function truncatedDeadLetterHeaders(cause: DeadLetterCause): Headers {
  return { ...causeHeaders(cause), [HEADER.truncated]: 'true' };
}

/** Headers that the service adds to a dead letter. A command's own headers of these names are lost. */
const DEAD_LETTER_ONLY: ReadonlySet<string> = new Set([
  HEADER.outcome,
  HEADER.error,
  HEADER.attempts,
  HEADER.retryDue,
  HEADER.retryRound,
  HEADER.retryOwnKey,
  HEADER.redrive,
]);
const DEAD_LETTER_PREFIX = 'kafka_dlt-';

/** The headers of a dead letter that come from its command. */
export function ownHeaders(deadLetter: Headers): Headers {
  return Object.fromEntries(
    Object.entries(deadLetter).filter(([name]) => !DEAD_LETTER_ONLY.has(name) && !name.startsWith(DEAD_LETTER_PREFIX)),
  );
}

/** Headers for a {@link DeadLetterCause}. */
export function causeHeaders({ source, timestamp, outcome, error, attempts, batch }: DeadLetterCause): Headers {
  return {
    [HEADER.originalTopic]: source.topic,
    [HEADER.originalPartition]: String(source.partition),
    [HEADER.originalOffset]: source.offset,
    [HEADER.originalTimestamp]: timestamp,
    [HEADER.outcome]: outcome,
    [HEADER.error]: cutError(error),
    [HEADER.attempts]: String(attempts),
    ...(batch !== undefined && { [HEADER.batch]: `${batch.firstOffset}-${batch.lastOffset}` }),
  };
}

/** The approximate size of headers in bytes. It is good enough to notice large ones. */
export function headerBytes(headers: Headers): number {
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name];
    bytes += name.length;
    if (!Array.isArray(value)) bytes += value?.length ?? 0;
    else for (const item of value) bytes += name.length + item.length;
  }
  return bytes;
}

/**
 * The last value of a header, which Kafka's clients read too; null if it is absent, empty or larger than `maxBytes`.
 */
export function lastValue(headers: Headers, name: string, maxBytes: number): HeaderValue | null {
  const header = headers[name];
  const value = Array.isArray(header) ? header.at(-1) : header;
  // The value of a header may be null on the wire, though kafkajs declares otherwise.
  return value && Buffer.byteLength(value) <= maxBytes && value.length > 0 ? value : null;
}

/**
 * Decimal digits, or the 4-byte big-endian integer that Spring writes, whose first byte is 0, unlike that of any text.
 */
function toPartition(value: HeaderValue | null): number | null {
  if (value === null) return null;
  const text = value.toString();
  if (/^\d+$/.test(text)) return Number(text) <= MAX_PARTITION ? Number(text) : null;
  const bytes = Buffer.from(value);
  return bytes.length === 4 && bytes[0] === 0 ? bytes.readInt32BE() : null;
}
