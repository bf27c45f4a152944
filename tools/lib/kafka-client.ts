// The whole module: ESM cannot import kafkajs's error classes and codes by name.
import kafkajs from 'kafkajs';
import type { Kafka } from 'kafkajs';

/** A client that logs nothing and quickly finds a broker that has just started. */
export function kafkaClient(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({
    clientId: 'messages-dispatcher-tools',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 10 },
  });
}
