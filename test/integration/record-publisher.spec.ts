import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { patchProduceAnswers } from '../../src/kafka/kafkajs-patches/produce-answers';
import { createProducerWithCluster } from '../../src/kafka/kafkajs-patches/internal-cluster';
import { PRODUCER } from '../../src/kafka/publish/producing';
import { RecordPublisher } from '../../src/kafka/publish/record-publisher';
import type { Telemetry } from '../../src/observability/telemetry';
import type { Published } from '../../src/settlement/publisher';
import { createTopics, deleteTopics } from '../../tools/kafka/topics.ts';
import { kafkaClient } from '../../tools/lib/kafka-client.ts';
import { readAll } from '../../tools/lib/reading.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { TestBed } from './harness';

const KIB = 1024;

/** The limit of a topic. It is so low that a record above it can be in a batch with others. */
const LOW_LIMIT_BYTES = 100 * KIB;
const PARTITIONS = 4;

type WithBatch = KafkaMessage & { readonly batchContext: { readonly firstOffset: string } };

/**
 * Writes all records in one turn. Resolves to how each ended and, for each batch on the broker, the sizes of its
 * records in KiB.
 */
async function publish(sizesKib: readonly number[]): Promise<{ ends: Published[]; batches: number[][] }> {
  await using bed = await TestBed.start({ service: false });
  const kafka = kafkaClient(bed.brokers);
  const topic = bed.topics.deadLetters;
  const publisher = newPublisher(kafka, topic);
  await publisher.start();
  try {
    const records = sizesKib.map((sizeKib) => ({ topic, key: null, value: 'v'.repeat(sizeKib * KIB), headers: {} }));
    const ends = await Promise.all(records.map((record) => publisher.publish(record)));
    const count = ends.filter((end) => end === 'acknowledged').length;
    const written = (await readAll(kafka, topic, count, AbortSignal.timeout(DEADLINE_MS))) as WithBatch[];
    const batches = Map.groupBy(written, ({ batchContext }) => batchContext.firstOffset).values();
    return { ends, batches: [...batches].map((batch) => batch.map(({ value }) => (value?.length ?? 0) / KIB)) };
  } finally {
    await publisher.stop();
  }
}

function newPublisher(kafka: Kafka, topic: string): RecordPublisher {
  return new RecordPublisher({
    newProducer: () => createProducerWithCluster(kafka, PRODUCER),
    urgentTopics: [topic],
    timeoutMs: 10_000,
    atOnce: 512,
    telemetry: { published: () => undefined, publishFailed: () => undefined } as unknown as Telemetry,
    log: () => undefined,
  });
}

describe('records that are written at once', () => {
  beforeAll(() => patchProduceAnswers());

  it('fill batches of up to 512 KiB, in their order; a larger one goes alone', async () => {
    const { ends, batches } = await publish([200, 200, 200, 600, 1, 2, 511, 3, 500, 4]);
    expect(new Set(ends)).toEqual(new Set(['acknowledged']));
    expect(batches).toEqual([[200, 200], [200], [600], [1, 2], [511], [3, 500, 4]]);
  });

  it('are all written, except one that is too large for the broker', async () => {
    const { ends, batches } = await publish([1, 1_100, 2]);
    expect(ends).toEqual(['acknowledged', 'too-large', 'acknowledged']);
    expect(batches).toEqual([[1], [2]]);
  });

  it('are written once each, although one partition refuses its records', async () => {
    await using bed = await TestBed.start({ service: false });
    const kafka = new Kafka({ brokers: [...bed.brokers], logLevel: logLevel.NOTHING });
    const topic = `${bed.prefix}low-limit`;
    const configs = { 'max.message.bytes': String(LOW_LIMIT_BYTES) };
    await createTopics(bed.brokers, [{ topic, partitions: PARTITIONS, configs }]);
    const publisher = newPublisher(kafka, topic);
    await publisher.start();
    try {
      const records = Array.from({ length: 40 }, (_, n) => {
        const value = 'v'.repeat(n === 20 ? 2 * LOW_LIMIT_BYTES : KIB);
        return { topic, key: Buffer.from(`k-${n}`), value, headers: {} };
      });
      const ends = await Promise.all(records.map((record) => publisher.publish(record)));
      expect(ends.map((end, n) => (end === 'too-large' ? n : null)).filter((n) => n !== null)).toEqual([20]);
      const admin = kafka.admin();
      await admin.connect();
      const written = await admin.fetchTopicOffsets(topic);
      await admin.disconnect();
      expect(written.reduce((sum, { high }) => sum + Number(high), 0)).toBe(39);
    } finally {
      await publisher.stop();
      await deleteTopics(bed.brokers, [topic]);
    }
  });
});
