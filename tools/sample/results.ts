import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';

/** The fields of a result that the sample shows. */
export interface SampleResult {
  readonly commandId: string;
  readonly outcome: string;
  readonly id: string;
  readonly error: string;
}

export interface Reading {
  readonly kafka: Kafka;
  readonly topic: string;
  /** Called when the end of the topic is known: every result written from then on will be read. */
  readonly whenReading: () => Promise<void>;
  /** Gets every new result. True ends the reading. */
  readonly onResult: (result: SampleResult) => boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads the results that are written from now on, in a consumer group of its own, which it removes afterwards. Rejects
 * if the topic is missing, and with the signal's reason.
 */
export async function readResults({ kafka, topic, whenReading, onResult, signal }: Reading): Promise<void> {
  const groupId = `sample-${randomUUID()}`;
  const admin = kafka.admin();
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false });
  const finished = Promise.withResolvers<void>();
  const abort = (): void => finished.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.all([admin.connect(), consumer.connect()]);
    const ends = await admin.fetchTopicOffsets(topic);
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        const result = parse(message.value);
        if (result !== null && onResult(result)) finished.resolve();
        return Promise.resolve();
      },
    });
    for (const { partition, high } of ends) consumer.seek({ topic, partition, offset: high });
    await whenReading();
    await finished.promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => undefined);
    await admin.disconnect();
  }
}

function parse(value: Buffer | null): SampleResult | null {
  const result: unknown = value === null ? null : JSON.parse(value.toString());
  return isResult(result) ? result : null;
}

function isResult(value: unknown): value is SampleResult {
  if (typeof value !== 'object' || value === null) return false;
  return ['commandId', 'outcome', 'id', 'error'].every((name) => typeof Reflect.get(value, name) === 'string');
}
