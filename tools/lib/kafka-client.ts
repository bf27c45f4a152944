// The whole module: kafkajs's error classes and codes cannot be imported by name from ESM.
import kafkajs from 'kafkajs';
import type { Kafka } from 'kafkajs';

/** A client that says nothing by itself and is quick to find a broker that has just started. */
export function kafkaClient(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({
    clientId: 'messages-dispatcher-tools',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 10 },
  });
}
