import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, KafkaMessage } from 'kafkajs';
import type { Result } from '../../src/contract/outcome.ts';
import { deleteTopics } from '../kafka/topics.ts';
import { kafkaClient } from '../lib/kafka-client.ts';
import { produce } from '../lib/producing.ts';
import { TopicReader, recordCount } from '../lib/reading.ts';
import type { SandboxProcess } from '../lib/sandbox-process.ts';
import { ServiceProcess } from '../lib/service-process.ts';
import type { DemoCommand } from './commands.ts';
import { DemoLedger } from './ledger.ts';
import { showLive } from './live-view.ts';

/** The Kafka of the demo, and the commands that are sent. */
export interface DemoPlan {
  readonly root: string;
  readonly brokers: readonly string[];
  readonly sandbox: SandboxProcess;
  readonly topicPrefix: string;
  readonly commands: readonly DemoCommand[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const BATCH = 100;
/** Pause between batches, in ms: the service is used to a steady stream, not to everything at once. */
const BATCH_EVERY_MS = 200;
/** If no result comes for so long, none will come any more. */
const STALL_MS = 15_000;
const POLL_MS = 50;

/**
 * Sends the commands through the service, shows the progress, and returns the results. Everything started here is
 * ended.
 */
export async function runDemo(plan: DemoPlan): Promise<{ readonly ledger: DemoLedger; readonly deadLetters: number }> {
  const { topicPrefix, brokers, signal, say } = plan;
  const results = `${topicPrefix}results`;
  const ledger = new DemoLedger();
  await using cleanup = new AsyncDisposableStack();
  const kafka = kafkaClient(brokers);
  const admin = kafka.admin();
  cleanup.defer(() => admin.disconnect());
  await admin.connect();
  cleanup.defer(() => removeTopics(admin, plan));

  say('starting the service (npm start)');
  const service = cleanup.use(await startService(plan));
  say(`service: ${service.url}/readyz\n`);
  cleanup.use(await TopicReader.start(kafka, results, (message) => ledger.arrived(arrivedResult(message))));

  const shown = new AbortController();
  const view = { ledger, metrics: () => service.metrics(), topicPrefix, out: process.stdout };
  const showing = showLive(view, AbortSignal.any([signal, shown.signal]));
  try {
    await sendAll(plan, ledger);
    await untilSettled(ledger, signal);
  } finally {
    shown.abort();
    await showing;
  }
  // Only after the service has ended can no result come a second time.
  await service.child.stop();
  const written = await recordCount(admin, results);
  while (ledger.resultCount < written) await sleep(POLL_MS, undefined, { signal });
  ledger.close();
  return { ledger, deadLetters: await recordCount(admin, `${topicPrefix}dead-letters`) };
}

function startService({ root, brokers, sandbox, topicPrefix, signal }: DemoPlan): Promise<ServiceProcess> {
  const settings = {
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_GROUP_ID: topicPrefix.slice(0, -1),
    TOPIC_PREFIX: topicPrefix,
    CREATE_TOPICS: 'true',
    MESSAGES_API_URL: sandbox.url,
    MESSAGES_API_KEY: 'sandbox-key',
    RETRY_BASE_DELAY_MS: '50',
    RETRY_MAX_DELAY_MS: '1000',
  };
  return ServiceProcess.start({ root, command: 'npm', args: ['start'], settings }, signal);
}

async function sendAll({ brokers, commands, signal }: DemoPlan, ledger: DemoLedger): Promise<void> {
  const producer = kafkaClient(brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    for (let from = 0; from < commands.length; from += BATCH) {
      const batch = commands.slice(from, from + BATCH);
      const written = await produce(producer, batch.map(({ record }) => record)); // prettier-ignore
      batch.forEach((command, index) => {
        const place = written[index];
        if (place !== undefined) ledger.sent(command, place);
      });
      await sleep(BATCH_EVERY_MS, undefined, { signal });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Resolves when every command has a result, or when none has come for 15 s. Missing results are reported later. */
async function untilSettled(ledger: DemoLedger, signal: AbortSignal): Promise<void> {
  let seen = ledger.resultCount;
  let movedAtMs = performance.now();
  while (ledger.settledCount < ledger.sentCount && performance.now() - movedAtMs < STALL_MS) {
    await sleep(POLL_MS, undefined, { signal });
    if (ledger.resultCount > seen) movedAtMs = performance.now();
    seen = ledger.resultCount;
  }
}

function arrivedResult({ value, timestamp }: KafkaMessage): { result: Result; atMs: number } {
  return { result: JSON.parse(String(value)) as Result, atMs: Number(timestamp) };
}

async function removeTopics(admin: Admin, { brokers, topicPrefix }: DemoPlan): Promise<void> {
  const ours = (await admin.listTopics()).filter((topic) => topic.startsWith(topicPrefix));
  await deleteTopics(brokers, ours);
}
