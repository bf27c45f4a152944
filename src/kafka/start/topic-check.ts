import type { Admin, ITopicConfig } from 'kafkajs';

/** Partitions of a topic that the service creates itself, in development. */
const DEV_PARTITIONS = 8;
/** Largest command that a created topic takes. */
const COMMAND_BYTES = 5 * 1024 * 1024;
/** What dead letters and retry records need beyond their command: headers that say why and whence. */
const HEADER_ROOM_BYTES = 64 * 1024;

export interface RequiredTopics {
  readonly commands: readonly string[];
  readonly results: string;
  readonly deadLetters: string;
  readonly retries: readonly string[];
}

/**
 * Makes sure that every topic exists, creating them where that is asked for. Returns those that are missing.
 *
 * @throws KafkaJSError where the cluster refuses to tell, or to create one.
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
