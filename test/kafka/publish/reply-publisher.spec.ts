import type { Kafka } from 'kafkajs';
import { ReplyPublisher } from '../../../src/kafka/publish/reply-publisher';

const MANY = 300;
const MOST = 256;
const MOST_OF_TOPIC = 128;
const DEADLINE_MS = 10_000;

/** A Kafka that never answers, and counts what it was sent. */
function silentKafka(): { readonly kafka: Kafka; readonly sent: string[] } {
  const sent: string[] = [];
  const producer = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    sendBatch: ({ topicMessages: [first] }: { topicMessages: { topic: string }[] }) => {
      sent.push(first?.topic ?? '');
      return new Promise<never>(() => undefined);
    },
  };
  return { kafka: { producer: () => producer } as unknown as Kafka, sent };
}

describe('replies that nobody takes', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('are bounded, over all topics and for each; further ones are dropped at once, the others at their deadline', async () => {
    const { kafka, sent } = silentKafka();
    const publisher = new ReplyPublisher(kafka, () => undefined);
    const ends: Promise<boolean>[] = [];
    const publishMany = (topic: string): void => {
      for (let n = 0; n < MANY; n++) ends.push(publisher.tryPublish({ topic, key: null, value: 'v', headers: {} }));
    };
    publishMany('away');
    expect(sent).toHaveLength(MOST_OF_TOPIC);
    publishMany('slow');
    expect(sent).toHaveLength(MOST);
    publishMany('third');
    expect(sent).toHaveLength(MOST);

    await jest.advanceTimersByTimeAsync(DEADLINE_MS);
    expect(await Promise.all(ends)).toEqual(Array.from({ length: 3 * MANY }, () => false));
    publishMany('third');
    expect(sent.filter((topic) => topic === 'third')).toHaveLength(MOST_OF_TOPIC);
    await jest.advanceTimersByTimeAsync(DEADLINE_MS);
    await publisher.stop();
  });
});
