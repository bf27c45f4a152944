import { KafkaJSProtocolError } from 'kafkajs';

/** A broker refuses a record, or a batch for one of its records. */
export const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Whether Kafka's answer, or what brought the error about, is one of these types of the protocol. */
export function isOfType(error: unknown, types: ReadonlySet<string>): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSProtocolError && types.has(cause.type)) return true;
  }
  return false;
}

/** An error for the log: kafkajs' own messages name brokers and topics, never what is in records. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
}
