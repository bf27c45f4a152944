import type { ProducerBatch } from 'kafkajs';
import { type PublisherDeps, RecordPublisher } from '../../../src/kafka/publish/record-publisher';
import { silentTelemetry } from '../../dispatch/fixtures';

const AT_ONCE = 8;
const TOPIC = 'messages.results';

/** Notes how many records each request has; its faults are used up one by one. */
class FakeProducer {
  readonly batches: number[] = [];
  readonly faults: Error[] = [];
  connects = 0;
  connectFaults = 0;

  connect(): Promise<void> {
    this.connects++;
    return this.connectFaults-- > 0 ? Promise.reject(new Error('no broker')) : Promise.resolve();
  }

  sendBatch({ topicMessages = [] }: ProducerBatch): Promise<[]> {
    const fault = this.faults.shift();
    if (fault !== undefined) return Promise.reject(fault);
    this.batches.push(topicMessages.reduce((sum, { messages }) => sum + messages.length, 0));
    return Promise.resolve([]);
  }

  disconnect(): Promise<void> {
    return Promise.resolve();
  }
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a publisher of records', () => {
  let producer: FakeProducer;
  let publisher: RecordPublisher;
  let lines: string[];

  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    producer = new FakeProducer();
    lines = [];
    const newProducer = (): ReturnType<PublisherDeps['newProducer']> =>
      ({ producer, cluster: {} }) as unknown as ReturnType<PublisherDeps['newProducer']>;
    publisher = new RecordPublisher({
      newProducer,
      urgentTopics: [],
      timeoutMs: 1_000,
      atOnce: AT_ONCE,
      telemetry: silentTelemetry,
      log: (_level, message) => void lines.push(message),
    });
  });
  afterEach(async () => {
    await publisher.stop();
    jest.useRealTimers();
  });

  function write(count: number): void {
    for (let n = 0; n < count; n++) void publisher.publish({ topic: TOPIC, key: null, value: 'v', headers: {} });
  }

  it('lets records gather under load, and sends them at once when so many wait as are not to be unrecorded', async () => {
    write(4);
    await turns();
    write(AT_ONCE - 1);
    await turns();
    expect(producer.batches).toEqual([4]);
    write(1);
    await turns();
    expect(producer.batches).toEqual([4, AT_ONCE]);
    write(1);
    await turns();
    expect(producer.batches).toEqual([4, AT_ONCE]);
    await jest.advanceTimersByTimeAsync(25);
    await turns();
    expect(producer.batches).toEqual([4, AT_ONCE, 1]);
  });

  it('repeats what fails, connecting included, says so once, and names the topic until it works', async () => {
    producer.connectFaults = 1;
    producer.faults.push(new Error('refused'), new Error('refused'));
    write(2);
    for (const retryMs of [100, 200, 400]) {
      await turns();
      expect(publisher.unwritable).toEqual([TOPIC]);
      await jest.advanceTimersByTimeAsync(retryMs);
    }
    await turns();
    expect(producer.batches).toEqual([2]);
    expect(publisher.unwritable).toEqual([]);
    expect(producer.connects).toBe(2);
    expect(lines).toEqual(['publishing failed, to be repeated', 'publishing works again']);
  });
});
