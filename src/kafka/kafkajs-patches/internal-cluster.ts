import type { Kafka, Producer, ProducerConfig } from 'kafkajs';
import type { FetchedPartition } from './fetched-batches';

interface Broker {
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  fetch(request: {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly fetchOffset: string;
        readonly maxBytes: number;
      }[];
    }[];
  }): Promise<{ readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }>;
}

/** The used part of kafkajs's cluster: consumers are built on it, and it needs no group. */
export interface Cluster {
  connect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findGroupCoordinator(target: { readonly groupId: string }): Promise<Broker>;
  disconnect(): Promise<void>;
  findBroker(target: { readonly nodeId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number }[];
      readonly fromTimestamp: number;
    }[],
  ): Promise<readonly { readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
}

/** kafkajs's number for an isolation level: no records of transactions that are open or aborted. */
export const READ_COMMITTED = 1;

const CREATE_CLUSTER = 'private:Kafka:createCluster';

/**
 * A connection of its own to the brokers, below kafkajs's consumer. A consumer reads only as the member of a group, and
 * it does not show that a partition ends with a transaction's marker or with a batch that compaction has emptied.
 * kafkajs 2.2.4 hides this function behind a symbol.
 *
 * @throws Error if this version of kafkajs does not have it
 */
export function createCluster(kafka: Kafka): Cluster {
  const options = { allowAutoTopicCreation: false, isolationLevel: READ_COMMITTED, metadataMaxAge: 300_000 };
  return clusterFactory(kafka).create(options);
}

/**
 * A producer, and the cluster that it writes through.
 *
 * @throws Error if this version of kafkajs has no such cluster
 */
export function createProducerWithCluster(
  kafka: Kafka,
  config: ProducerConfig,
): { readonly producer: Producer; readonly cluster: Cluster } {
  const { symbol, create } = clusterFactory(kafka);
  let cluster: Cluster | null = null;
  const watched = Object.create(kafka, {
    [symbol]: { value: (options: object) => (cluster = create(options)) },
  }) as Kafka;
  const producer = watched.producer(config);
  if (cluster === null) throw new Error('this version of kafkajs has no cluster to be used');
  return { producer, cluster };
}

/**
 * Connects to the leaders of all partitions of a topic. kafkajs itself waits with that for the first record of each.
 */
export async function connectToLeaders(cluster: Cluster, topic: string): Promise<void> {
  await cluster.addTargetTopic(topic);
  const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
  const leaders = Object.keys(cluster.findLeaderForPartitions(topic, partitions));
  await Promise.all(leaders.map((nodeId) => cluster.findBroker({ nodeId })));
}

function clusterFactory(kafka: Kafka): { readonly symbol: symbol; readonly create: (options: object) => Cluster } {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  const create: unknown = symbol === undefined ? undefined : Reflect.get(kafka, symbol);
  if (symbol === undefined || typeof create !== 'function') {
    throw new Error('this version of kafkajs has no cluster to be used');
  }
  return { symbol, create: create as (options: object) => Cluster };
}
