import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

const OFFSETS_TOPIC = '__consumer_offsets';

/** The broker that coordinates a consumer group, as an index into `DevKafka.brokers`. */
export async function coordinatorIndex(admin: Admin, group: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [OFFSETS_TOPIC] });
  const partitions = topics[0]?.partitions ?? [];
  return leaderIndex(partitions, javaHash(group) % partitions.length);
}

/** The broker that leads the first partition of a topic, as an index. */
export async function firstLeaderIndex(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return leaderIndex(topics[0]?.partitions ?? [], 0);
}

/** Whether every partition of the topics, and of the committed offsets, has so many copies in sync. */
export async function allInSync(admin: Admin, topics: readonly string[], copies: number): Promise<boolean> {
  const metadata = await admin.fetchTopicMetadata({ topics: [...topics, OFFSETS_TOPIC] });
  return metadata.topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length >= copies));
}

/** Replaces all settings of a topic. */
export async function setTopicConfigs(
  admin: Admin,
  topic: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
}

function leaderIndex(
  partitions: readonly { readonly partitionId: number; readonly leader: number }[],
  id: number,
): number {
  const leader = partitions.find(({ partitionId }) => partitionId === id)?.leader ?? -1;
  // Node ids of a development Kafka start at 1.
  if (leader < 1) throw new Error(`partition ${id} has no leader`);
  return leader - 1;
}

/** Kafka's `Utils.abs(groupId.hashCode())`. A group finds its partition of the offsets topic with it. */
function javaHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash & 0x7fffffff;
}
