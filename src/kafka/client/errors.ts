import { KafkaJSProtocolError } from 'kafkajs';

/** Types of the errors with which a broker refuses a record for its size, or a whole batch for one of its records. */
export const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/**
 * Whether the error, or one of its causes, is an answer of Kafka of one of these types. Types are the protocol's names.
 */
export function isOfType(error: unknown, types: ReadonlySet<string>): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSProtocolError && types.has(cause.type)) return true;
  }
  return false;
}

/** Name and message of an error, for the log: kafkajs' messages name brokers and topics, and never quote records. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
}
