import type { Admin, ITopicConfig } from 'kafkajs';

/** How many partitions a topic gets if the service creates it, in development. */
const DEV_PARTITIONS = 8;
/** Size of the largest command that a created topic takes. */
const COMMAND_BYTES = 5 * 1024 * 1024;
/** Room for the headers that dead letters and retry records have beside their command. */
const HEADER_ROOM_BYTES = 64 * 1024;

export interface RequiredTopics {
  readonly commands: readonly string[];
  readonly results: string;
  readonly deadLetters: string;
  readonly retries: readonly string[];
}

/**
 * Checks that every topic exists, and creates missing ones if `create` is set. Returns those that are still missing.
 *
 * @throws KafkaJSError if the cluster refuses to list or create topics
 */
export async function missingTopics(admin: Admin, required: RequiredTopics, create: boolean): Promise<string[]> {
  const missing = await findMissing(admin, required);
  if (missing.length === 0 || !create) return missing;
  await admin.createTopics({ topics: missing.map((topic) => toConfig(topic, required)), waitForLeaders: true });
  return findMissing(admin, required);
}

async function findMissing(
  admin: Admin,
  { commands, results, deadLetters, retries }: RequiredTopics,
): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  return [...commands, ...retries, results, deadLetters].filter((topic) => !existing.has(topic));
}

function toConfig(topic: string, { results, commands }: RequiredTopics): ITopicConfig {
  const bytes = commands.includes(topic) ? COMMAND_BYTES : COMMAND_BYTES + HEADER_ROOM_BYTES;
  const configEntries = topic === results ? [] : [{ name: 'max.message.bytes', value: String(bytes) }];
  return { topic, numPartitions: DEV_PARTITIONS, replicationFactor: -1, configEntries };
}
