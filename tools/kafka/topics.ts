import { setTimeout as sleep } from 'node:timers/promises';
// The whole module: ESM cannot import kafkajs's error classes by name.
import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';

const POLL_MS = 50;
const TIMEOUT_MS = 30_000;

/** A topic to create. */
export interface TopicPlan {
  readonly topic: string;
  /** Number of partitions; default 1. */
  readonly partitions?: number;
  /** Number of copies; default: the broker's, which is one copy per broker in a development Kafka. */
  readonly replicationFactor?: number;
  /** Topic settings such as `max.message.bytes`. */
  readonly configs?: Readonly<Record<string, string>>;
}

/**
 * Creates the topics that do not exist yet; resolves when every partition of all topics has a leader. Rejects with the
 * broker's reasons if it refuses a topic, with the signal's reason, or after 30 s.
 */
export async function createTopics(
  brokers: readonly string[],
  topics: readonly TopicPlan[],
  signal?: AbortSignal,
): Promise<void> {
  const names = topics.map(({ topic }) => topic);
  await withAdmin(brokers, async (admin) => {
    await admin
      .createTopics({
        waitForLeaders: false,
        topics: topics.map(({ topic, partitions = 1, replicationFactor = -1, configs = {} }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
        })),
      })
      .catch(throwReasons);
    await until(() => allLed(admin, names), `${names.join(', ')} got no leaders`, signal);
  });
}

/**
 * Deletes the topics; resolves when none is listed any more. Unknown topics count as deleted. Rejects with the signal's
 * reason, or after 30 s.
 */
export async function deleteTopics(
  brokers: readonly string[],
  topics: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const known = await listed(admin, topics);
    if (known.length === 0) return;
    await admin.deleteTopics({ topics: known });
    await until(async () => (await listed(admin, known)).length === 0, `${known.join(', ')} would not go`, signal);
  });
}

async function withAdmin(brokers: readonly string[], work: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new kafkajs.Kafka({
    clientId: 'dev-kafka',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: POLL_MS, maxRetryTime: 1_000, retries: 10 },
  }).admin();
  try {
    await admin.connect();
    await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function allLed(admin: Admin, names: readonly string[]): Promise<boolean> {
  const topics = await admin
    .fetchTopicMetadata({ topics: [...names] })
    .then((metadata) => metadata.topics, unlessEarly);
  return (
    topics.length > 0 &&
    topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))
  );
}

/** The errors of a broker that does not know a new topic yet. */
const EARLY = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

function unlessEarly(error: unknown): [] {
  if (error instanceof kafkajs.KafkaJSProtocolError && EARLY.has(error.type)) return [];
  throw error;
}

async function listed(admin: Admin, names: readonly string[]): Promise<string[]> {
  const all = new Set(await admin.listTopics());
  return names.filter((name) => all.has(name));
}

async function until(met: () => Promise<boolean>, otherwise: string, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await met())) {
    if (performance.now() > deadline) throw new Error(`${otherwise} within ${TIMEOUT_MS} ms`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** kafkajs says only "Topic creation errors"; the reasons are inside. They include topics that exist already. */
function throwReasons(error: unknown): never {
  if (!(error instanceof kafkajs.KafkaJSAggregateError)) throw error;
  const reasons = error.errors.map(describe);
  throw new Error(reasons.join('; '), { cause: error });
}

function describe(reason: Error | string): string {
  if (typeof reason === 'string') return reason;
  return 'topic' in reason ? `${String(reason.topic)}: ${reason.message}` : reason.message;
}
