import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';

/** How many records were ever written to a topic. */
export async function recordCount(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

/** How many records are beyond a group's committed offsets, over all partitions of a topic. */
export async function uncommitted(admin: Admin, groupId: string, topic: string): Promise<number> {
  const ends = await admin.fetchTopicOffsets(topic);
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const offsets = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  return ends.reduce((sum, { partition, high }) => sum + Number(high) - Math.max(0, offsets.get(partition) ?? 0), 0);
}

/**
 * Resolves when a topic holds so many records. It asks only for offsets, which costs the broker little while something
 * is measured. Rejects with the signal's reason, or if no record is added for `stallMs`.
 */
export async function untilCount(
  admin: Admin,
  topic: string,
  count: number,
  { pollMs, stallMs, signal }: { readonly pollMs: number; readonly stallMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let seen = -1;
  let movedAtMs = performance.now();
  for (;;) {
    const now = await recordCount(admin, topic);
    if (now >= count) return;
    if (now > seen) movedAtMs = performance.now();
    else if (performance.now() - movedAtMs > stallMs) {
      throw new Error(`${topic} stands still at ${now} of ${count} records`);
    }
    seen = now;
    await sleep(pollMs, undefined, { signal });
  }
}

/** Reads a whole topic from its first record, until it is disposed of. */
export class TopicReader implements AsyncDisposable {
  readonly #stop: () => Promise<void>;

  private constructor(stop: () => Promise<void>) {
    this.#stop = stop;
  }

  /** Calls `onRecord` once per record, in order within a partition. */
  static async start(
    kafka: Kafka,
    topic: string,
    onRecord: (message: KafkaMessage, partition: number) => void,
  ): Promise<TopicReader> {
    const consumer = kafka.consumer({ groupId: `tools-${randomUUID()}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: ({ batch }: EachBatchPayload) => {
        for (const message of batch.messages) onRecord(message, batch.partition);
        return Promise.resolve();
      },
    });
    return new TopicReader(() => consumer.disconnect());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** Reads the first `count` records of a topic. */
export async function readAll(
  kafka: Kafka,
  topic: string,
  count: number,
  signal: AbortSignal,
): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  await using _reader = await TopicReader.start(kafka, topic, (message) => messages.push(message));
  while (messages.length < count) await sleep(20, undefined, { signal });
  return messages;
}
