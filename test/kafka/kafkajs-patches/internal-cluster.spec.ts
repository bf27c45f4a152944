import { Kafka, logLevel } from 'kafkajs';
import {
  type Cluster,
  connectToLeaders,
  createCluster,
  createProducerWithCluster,
} from '../../../src/kafka/kafkajs-patches/internal-cluster';

describe("kafkajs's cluster", () => {
  it('is found in this version, with the methods that are used', () => {
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

  it('is an error if a version does not have it', () => {
    expect(() => createCluster({} as Kafka)).toThrow(/kafkajs has no cluster/);
    expect(() => createProducerWithCluster({} as Kafka, {})).toThrow(/kafkajs has no cluster/);
  });

  it('is the one that a producer writes through', async () => {
    const kafka = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
    const { producer, cluster } = createProducerWithCluster(kafka, { retry: { retries: 0 } });
    const connect = jest.spyOn(cluster, 'connect');
    await expect(producer.connect()).rejects.toThrow(/Connection error/);
    expect(connect).toHaveBeenCalledTimes(1);
    await producer.disconnect();
  });

  it('connects to every leader of a topic, once', async () => {
    const found: string[] = [];
    const cluster = {
      addTargetTopic: async () => undefined,
      findTopicPartitionMetadata: () => [0, 1, 2, 3].map((partitionId) => ({ partitionId })),
      findLeaderForPartitions: () => ({ 1: [0, 2], 2: [1], 3: [3] }),
      findBroker: async ({ nodeId }: { nodeId: string }) => void found.push(nodeId),
    };
    await connectToLeaders(cluster as unknown as Cluster, 'messages.results');
    expect(found).toEqual(['1', '2', '3']);
  });
});
