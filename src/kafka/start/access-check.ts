import { type Kafka, KafkaJSProtocolError } from 'kafkajs';
import { type Cluster, createCluster, READ_COMMITTED } from '../kafkajs-patches/internal-cluster';

/** What is read in one consumer group. */
export interface GroupReading {
  readonly groupId: string;
  readonly topics: readonly string[];
}

/** More of what kafkajs has below its consumers, of which those only tell that they crashed. */
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

/** Of the Kafka protocol: a coordinator of consumer groups, a reader that is no broker, a member of no generation. */
const GROUP = 0;
const NO_BROKER = -1;
const NO_GENERATION = -1;

const DENIALS: ReadonlySet<string> = new Set(['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED']);

/**
 * What Kafka's access control denies of what is read: `READ on topic …`, `READ on group …`. Found out by requests that change
 * nothing: a fetch of one byte, and the heartbeat of a member that the group does not have. Consumers would crash for it time
 * and again, and kafkajs says "Failed to find group coordinator" of a group that is denied. What is written cannot be
 * tried without writing.
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

/** Whatever else goes wrong is left to the consumer, which waits for what it needs: a partition without a leader, say. */
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
