import { type Kafka, KafkaJSProtocolError } from 'kafkajs';
import { type Cluster, createCluster, READ_COMMITTED } from '../kafkajs-patches/internal-cluster';

/** The topics that one consumer group reads. */
export interface GroupReading {
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** More of kafkajs's cluster. A consumer would only say that it crashed. */
interface ProbedCluster extends Cluster {
  findBroker(target: { readonly nodeId: string }): Promise<ProbedBroker>;
}

type ProbedBroker = Awaited<ReturnType<Cluster['findBroker']>> & {
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly groupGenerationId: number;
    readonly memberId: string;
  }): Promise<unknown>;
};

/** Numbers of the Kafka protocol: coordinator of consumer groups, reader that is no broker, member of no generation. */
const GROUP = 0;
const NO_BROKER = -1;
const NO_GENERATION = -1;

const DENIALS: ReadonlySet<string> = new Set(['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED']);

/**
 * The permissions to read that Kafka's access control denies: `READ on topic …`, `READ on group …`.
 *
 * The check sends requests that change nothing: a fetch of one byte, and the heartbeat of a member that the group does
 * not have. Without the check consumers would crash again and again, and of a denied group kafkajs only says "Failed to
 * find group coordinator". Permissions to write cannot be checked without writing.
 */
export async function deniedReadings(kafka: Kafka, readings: readonly GroupReading[]): Promise<string[]> {
  const cluster = createCluster(kafka) as ProbedCluster;
  await cluster.connect();
  try {
    const denied: string[] = [];
    for (const { groupId, topics } of readings) {
      for (const topic of topics) {
        if (await isDenied(fetchByte(cluster, topic))) denied.push(`READ on topic ${topic}`);
      }
      if (await isDenied(sendHeartbeat(cluster, groupId, topics))) denied.push(`READ on group ${groupId}`);
    }
    return denied;
  } finally {
    await cluster.disconnect();
  }
}

/** Other errors are left to the consumer, which waits until they are over: for example, a partition has no leader. */
async function isDenied(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt;
  } catch (error) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof KafkaJSProtocolError && DENIALS.has(cause.type)) return true;
    }
  }
  return false;
}

async function fetchByte(cluster: ProbedCluster, topic: string): Promise<void> {
  const { broker, partition } = await findLeader(cluster, topic);
  const partitions = [{ partition, fetchOffset: '0', maxBytes: 1 }];
  const limits = { isolationLevel: READ_COMMITTED, maxWaitTime: 0, minBytes: 0, maxBytes: 1 };
  await broker.fetch({ replicaId: NO_BROKER, ...limits, topics: [{ topic, partitions }] });
}

async function sendHeartbeat(cluster: ProbedCluster, groupId: string, [topic = '']: readonly string[]): Promise<void> {
  const { broker } = await findLeader(cluster, topic);
  const { coordinator } = await broker.findGroupCoordinator({ groupId, coordinatorType: GROUP });
  const coordinating = await cluster.findBroker({ nodeId: String(coordinator.nodeId) });
  await coordinating.heartbeat({ groupId, groupGenerationId: NO_GENERATION, memberId: '' });
}

async function findLeader(
  cluster: ProbedCluster,
  topic: string,
): Promise<{ readonly broker: ProbedBroker; readonly partition: number }> {
  await cluster.addTargetTopic(topic);
  const partition = cluster.findTopicPartitionMetadata(topic)[0]?.partitionId ?? 0;
  const [nodeId = ''] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  return { broker: await cluster.findBroker({ nodeId }), partition };
}
