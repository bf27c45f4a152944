import { Kafka, logLevel } from 'kafkajs';
import { createCluster, offsetAfter, visibleMessages } from '../../src/kafka/internal-cluster';

const message = (offset: number, firstOffset: number, lastOffsetDelta: number, isControlRecord = false) => ({
  offset: String(offset),
  isControlRecord,
  batchContext: { firstOffset: String(firstOffset), lastOffsetDelta },
});

describe("kafkajs's cluster", () => {
  it('is where this version has it', () => {
    const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING });
    const cluster = createCluster(kafka);
    for (const method of [
      'connect',
      'addTargetTopic',
      'findLeaderForPartitions',
      'findBroker',
      'fetchTopicsOffset',
      'findGroupCoordinator',
      'disconnect',
    ]) {
      expect(cluster).toHaveProperty(method, expect.any(Function));
    }
  });

  it('is missed loudly in another version', () => {
    expect(() => createCluster({} as Kafka)).toThrow(/kafkajs has no cluster/);
  });
});

describe('the offset after a fetch', () => {
  it('lies beyond what compaction has taken from the end of a batch', () => {
    expect(offsetAfter({ partition: 0, messages: [message(4, 4, 0), message(6, 5, 9)] })).toBe(15);
  });

  it('lies beyond a marker, which is no record', () => {
    const fetched = { partition: 0, messages: [message(4, 4, 0), message(5, 5, 0, true)], abortedTransactions: [] };
    expect(offsetAfter(fetched)).toBe(6);
    expect(visibleMessages('t', 0, fetched).map(({ offset }) => offset)).toEqual(['4']);
  });

  it('is not known where nothing came', () => {
    expect(offsetAfter({ partition: 0, messages: [] })).toBeNull();
  });
});
