import { createTopics, deleteTopics } from '../kafka/topics.ts';
import { kafkaClient } from '../lib/kafka-client.ts';

const TOPIC = 'warm-up';
const PARTITIONS = 12;
const BATCHES = 400;
const BATCH = 50;
const SENDERS = 4;
/** So many members join one after another, as replicas do. */
const MEMBERS = 3;

/**
 * Lets brokers that have just started do all kinds of their work once: writes with copies, fetches, groups, commits.
 * Until Java has compiled their code, they take the cores that the replicas need to keep their promises.
 */
export async function warmUp(brokers: readonly string[], signal: AbortSignal): Promise<void> {
  const kafka = kafkaClient(brokers);
  await createTopics(brokers, [{ topic: TOPIC, partitions: PARTITIONS }], signal);
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  const members = Array.from({ length: MEMBERS }, () => kafka.consumer({ groupId: TOPIC, maxWaitTimeInMs: 50 }));
  const { promise: allRead, resolve } = Promise.withResolvers<void>();
  let read = 0;
  try {
    await producer.connect();
    for (const member of members) {
      await member.connect();
      await member.subscribe({ topic: TOPIC, fromBeginning: true });
      await member.run({
        autoCommitThreshold: 20,
        eachBatch: async ({ batch }) => {
          read += batch.messages.length;
          if (read >= BATCHES * BATCH) resolve();
        },
      });
    }
    const messages = Array.from({ length: BATCH }, (_, n) => ({ key: `key-${n}`, value: 'x'.repeat(300) }));
    const send = async (): Promise<void> => {
      for (let n = 0; n < BATCHES / SENDERS; n++) {
        signal.throwIfAborted();
        await producer.send({ topic: TOPIC, acks: -1, messages });
      }
    };
    await Promise.all([allRead, ...Array.from({ length: SENDERS }, send)]);
  } finally {
    for (const member of members) await member.disconnect();
    await producer.disconnect();
    await deleteTopics(brokers, [TOPIC]);
  }
}
