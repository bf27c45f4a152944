import type { Outcome, Source } from './outcome';
import { cutError } from './result';
import { isLegalTopic } from './topics';

type HeaderValue = Buffer | string;

/** Headers of a Kafka record, as kafkajs has them: a name that occurs several times has an array. */
export type Headers = Record<string, HeaderValue | HeaderValue[] | undefined>;

/** Every header that the service reads or writes. The `kafka_` names are Spring's and Nest's. */
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
  retryDue: 'retry-due',
  retryRound: 'retry-round',
  retryOwnKey: 'retry-own-key',
  /** Place `<topic>/<partition>/<offset>` of the command that a dead letter was written for, and redriven. */
  redrive: 'redrive',
} as const;

const MAX_CORRELATION_BYTES = 4_096;
/** Headers that a result takes over from its command, and how many bytes of each at most. */
const COPIED: readonly (readonly [name: string, maxBytes: number])[] = [
  [HEADER.traceparent, 256],
  [HEADER.tracestate, 4_096],
  [HEADER.correlationId, MAX_CORRELATION_BYTES],
];

const MAX_PARTITION = 2 ** 31 - 1;
const MAX_REDRIVE_BYTES = 300;
/** Nest looks only whether the header is there; this is what its own server sends. */
const DISPOSED = Buffer.alloc(1);

/** Where a command asks for its result to be sent beside the results topic. */
export interface ReplyTarget {
  readonly topic: string;
  /** Null leaves it to the partitioner. */
  readonly partition: number | null;
  readonly correlationId: HeaderValue | null;
}

/** Why and whence a dead letter comes. */
export interface DeadLetterCause {
  readonly source: Source;
  /** Timestamp of the command's record as Kafka gives it: milliseconds since the epoch in decimal. */
  readonly timestamp: string;
  readonly outcome: Outcome;
  readonly error: string;
  readonly attempts: number;
}

/**
 * Headers of a result. Of the command's own only those that place it are taken over, and not where they are so large that
 * the broker might refuse the result for it.
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

/** Which redrive of a dead letter a command comes from, by its header; null for none. */
export function redriveToken(own: Headers): string | null {
  return lastValue(own, HEADER.redrive, MAX_REDRIVE_BYTES)?.toString() ?? null;
}

/** Where the result is to be sent too; null where the command asks for no reply or names no possible topic. */
export function replyTarget(own: Headers): ReplyTarget | null {
  const topic = lastValue(own, HEADER.replyTopic, 249)?.toString() ?? '';
  if (!isLegalTopic(topic)) return null;
  const correlationId = lastValue(own, HEADER.correlationId, MAX_CORRELATION_BYTES);
  return { topic, partition: toPartition(lastValue(own, HEADER.replyPartition, 10)), correlationId };
}

/** Headers that let Nest's `ClientKafka.send()` complete with the reply. */
export function replyHeaders(target: ReplyTarget): Headers {
  const headers: Headers = { [HEADER.nestIsDisposed]: DISPOSED };
  if (target.correlationId !== null) headers[HEADER.correlationId] = target.correlationId;
  return headers;
}

/** Headers of a dead letter: the command's own, and ours over those of the same name. */
export function deadLetterHeaders(own: Headers, cause: DeadLetterCause): Headers {
  return { ...own, ...causeHeaders(cause) };
}

/** Headers of a dead letter that was too large for the broker: it has neither value nor the command's own headers. */
export function truncatedDeadLetterHeaders(cause: DeadLetterCause): Headers {
  return { ...causeHeaders(cause), [HEADER.truncated]: 'true' };
}

/** What a dead letter says beside the command's own headers. Of the same names, the command's are gone. */
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

/** The headers that a dead letter has from its command. */
export function ownHeaders(deadLetter: Headers): Headers {
  return Object.fromEntries(
    Object.entries(deadLetter).filter(([name]) => !DEAD_LETTER_ONLY.has(name) && !name.startsWith(DEAD_LETTER_PREFIX)),
  );
}

/** Headers that say why a record was written, and whence its command came. */
export function causeHeaders({ source, timestamp, outcome, error, attempts }: DeadLetterCause): Headers {
  return {
    [HEADER.originalTopic]: source.topic,
    [HEADER.originalPartition]: String(source.partition),
    [HEADER.originalOffset]: source.offset,
    [HEADER.originalTimestamp]: timestamp,
    [HEADER.outcome]: outcome,
    [HEADER.error]: cutError(error),
    [HEADER.attempts]: String(attempts),
  };
}

/** About how many bytes headers take: what matters is that large ones count. */
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

/** The last value of a header, as Kafka's own clients read one; null where it is absent, empty or larger than `maxBytes`. */
export function lastValue(headers: Headers, name: string, maxBytes: number): HeaderValue | null {
  const header = headers[name];
  const value = Array.isArray(header) ? header.at(-1) : header;
  // A header's value may be null on the wire, whatever kafkajs declares.
  return value && Buffer.byteLength(value) <= maxBytes && value.length > 0 ? value : null;
}

/** Decimal digits, or the 4-byte big-endian integer that Spring writes, whose first byte is 0, unlike that of any text. */
function toPartition(value: HeaderValue | null): number | null {
  if (value === null) return null;
  const text = value.toString();
  if (/^\d+$/.test(text)) return Number(text) <= MAX_PARTITION ? Number(text) : null;
  const bytes = Buffer.from(value);
  return bytes.length === 4 && bytes[0] === 0 ? bytes.readInt32BE() : null;
}
