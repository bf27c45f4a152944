import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import type { DevKafka } from '../../../tools/kafka/dev-kafka';
import { startKafka } from '../../../tools/kafka/start-kafka';
import { createTopics, deleteTopics } from '../../../tools/kafka/topics';
import { untilReady } from '../../../tools/kafka/until-ready';
import { remaining, tracesOf } from './traces';
import { withEnvironment } from './with-environment';

// The test run may already use a Kafka; these tests start others. DEV_KAFKA selects the way, else the machine does.
const OWN = { KAFKA_BROKERS: undefined };

describe('a development Kafka of one broker', () => {
  let folder: string;
  let kafka: DevKafka;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dev-kafka-'));
    kafka = await withEnvironment(OWN, () => startKafka({ temporaryFolder: folder }));
  });

  afterAll(async () => {
    await kafka.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function client(): Kafka {
    return new Kafka({
      brokers: [...kafka.brokers],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 20, retries: 8 },
    });
  }

  async function produce(topic: string, value: string): Promise<void> {
    const producer = client().producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: [{ value }] });
    await producer.disconnect();
  }

  async function consumeFirst(topic: string): Promise<string | undefined> {
    const consumer = client().consumer({ groupId: `first-of-${topic}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    try {
      return await new Promise((resolve, reject) => {
        const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> =>
          Promise.resolve(resolve(message.value?.toString()));
        consumer.run({ eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }

  function answers(timeoutMs: number): Promise<void> {
    const signal = new AbortController().signal;
    return untilReady({ bootstrap: kafka.brokers, alive: kafka.brokers, timeoutMs, signal, fault: () => undefined });
  }

  it('creates topics as planned, leaves existing ones alone, and deletes them', async () => {
    const admin = client().admin();
    await admin.connect();
    const plan = [{ topic: 'a', partitions: 3, configs: { 'max.message.bytes': '2000000' } }, { topic: 'b' }];
    await createTopics(kafka.brokers, plan);
    await createTopics(kafka.brokers, [...plan, { topic: 'c' }]);
    const { topics } = await admin.fetchTopicMetadata({ topics: ['a', 'b', 'c'] });
    expect(Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]))).toEqual({
      a: 3,
      b: 1,
      c: 1,
    });
    await deleteTopics(kafka.brokers, ['a', 'b', 'never-there']);
    expect(await admin.listTopics()).toEqual(['c']);
    await admin.disconnect();
  });

  it('has small indexes, so that a disk that reads ahead reads little', async () => {
    // The files of a container cannot be read from here, but it gets the same properties.
    if (kafka.kind !== 'java') return;
    await createTopics(kafka.brokers, [{ topic: 'indexed' }]);
    await produce('indexed', 'anything');
    const files = await readdir(folder, { recursive: true });
    const indexes = files.filter((file) => file.includes('indexed-0') && file.endsWith('index'));
    const sizes = await Promise.all(indexes.map(async (file) => (await stat(join(folder, file))).size));
    await deleteTopics(kafka.brokers, ['indexed']);
    expect(sizes.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
  });

  it('names the topic that the broker refuses, and why', async () => {
    const plan = [
      { topic: 'fine' },
      { topic: 'not/fine' },
      { topic: 'unheard-of', configs: { 'no.such.setting': '1' } },
    ];
    await expect(createTopics(kafka.brokers, plan)).rejects.toThrow(/not\/fine: .*invalid.*; unheard-of: .*config/is);
  });

  it('creates no topic that nobody asked for', async () => {
    await expect(produce('implicit', 'x')).rejects.toThrow(/does not host this topic-partition/);
  });

  it('keeps acknowledged records when the broker is killed and started again at its address', async () => {
    await createTopics(kafka.brokers, [{ topic: 'kept' }]);
    await produce('kept', 'still here');
    await kafka.killBroker(0);
    await expect(answers(0)).rejects.toThrow('is not ready');
    await kafka.startBroker(0);
    expect(await consumeFirst('kept')).toBe('still here');
  });

  it('stops a broker in order and starts it again', async () => {
    await kafka.stopBroker(0);
    await expect(answers(0)).rejects.toThrow('is not ready');
    await kafka.startBroker(0);
    await expect(answers(0)).resolves.toBeUndefined();
  });

  it('answers nothing while its broker is paused, and goes on afterwards', async () => {
    await kafka.pauseBroker(0);
    await expect(answers(0)).rejects.toThrow('is not ready');
    await kafka.resumeBroker(0);
    await expect(answers(10_000)).resolves.toBeUndefined();
  });

  it('refuses an index without a broker', async () => {
    await expect(kafka.pauseBroker(1)).rejects.toThrow('no broker 1, there are 1');
  });

  it('counts as an existing Kafka if only its address is given, and is then neither controlled nor stopped', async () => {
    const address = kafka.brokers.join(',');
    const guest = await withEnvironment({ KAFKA_BROKERS: address, DEV_KAFKA: undefined }, () => startKafka());
    expect(guest).toMatchObject({ kind: 'existing', canControl: false, brokers: kafka.brokers });
    await expect(guest.killBroker(0)).rejects.toThrow('KAFKA_BROKERS');
    await guest.stop();
    await expect(answers(0)).resolves.toBeUndefined();
  });

  it('leaves no process, container or data when stopped, and may be stopped again', async () => {
    const traces = await tracesOf(kafka.kind, kafka.brokers, folder);
    expect(await traces()).not.toEqual([]);
    await Promise.all([kafka.stop(), kafka.stop()]);
    await kafka.stop();
    expect(await remaining(traces)).toEqual([]);
    await expect(kafka.startBroker(0)).rejects.toThrow('has been stopped');
  });
});

/**
 * Resolves when a broker has opened its data but is not ready yet. Data in a container cannot be seen, so then it
 * resolves after `atMostMs`.
 */
async function underWay(folder: string, atMostMs: number): Promise<void> {
  const endMs = performance.now() + atMostMs;
  while (performance.now() < endMs) {
    const files = await readdir(folder, { recursive: true }).catch(() => []);
    if (files.some((file) => basename(file) === '.lock')) return;
    await sleep(10);
  }
}

describe('a start that fails', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dev-kafka-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('leaves nothing if it is aborted on the way', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const starting = withEnvironment(OWN, () => startKafka({ temporaryFolder: folder, signal: controller.signal }));
    void underWay(folder, 1_500).then(() => controller.abort(reason));
    await expect(starting).rejects.toBe(reason);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is reported and leaves nothing if the broker refuses its properties', async () => {
    const properties = { 'log.retention.bytes': 'plenty' };
    await expect(withEnvironment(OWN, () => startKafka({ temporaryFolder: folder, properties }))).rejects.toThrow(
      /log\.retention\.bytes|ended/,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});
