import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Admin, Producer } from 'kafkajs';
import { request } from 'undici';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { commandOf, recordOf } from '../../tools/bench/load.ts';
import { freePorts } from '../../tools/kafka/free-ports.ts';
import { Bed, opened } from '../../tools/lib/bed.ts';
import type { Settings } from '../../tools/lib/bed.ts';
import { produce } from '../../tools/lib/producing.ts';
import { readAll, recordCount } from '../../tools/lib/reading.ts';
import { ServiceProcess } from '../../tools/lib/service-process.ts';

export const ROOT = resolve(__dirname, '../..');
export const SERVICE = join(ROOT, 'dist', 'main.js');
export const CLI = join(ROOT, 'dist', 'cli.js');
/** The Kafka that all integration tests share. */
export const SHARED_BROKERS: readonly string[] = (process.env['SHARED_KAFKA'] ?? '').split(',');

const BATCH = 2_000;
const POLL_MS = 25;
const START_MS = 120_000;
const LOAD = { name: 'c', count: Number.MAX_SAFE_INTEGER };

/** The fields of a result that these tests use. */
export interface ReadResult {
  readonly commandId: string;
  readonly outcome: string;
  readonly httpStatus: number | null;
}

/** What a bed is made for, in addition to its name. */
export interface BedPlan {
  readonly brokers?: readonly string[];
  readonly behaviour?: Partial<Behaviour>;
  readonly settings?: Settings;
  /** Default 200. */
  readonly recipients?: number;
  readonly withoutTopics?: boolean;
}

/** A bed on the shared Kafka. Services are started, killed and started again in it. */
export class LifecycleBed extends Bed {
  /** Only for the results topic: an admin client that has seen a topic fails for ever after the topic is deleted. */
  readonly #resultsAdmin: Admin;
  readonly #producer: Producer;
  readonly #recipients: number;
  #produced = 0;

  private constructor(plan: BedPlan) {
    const { brokers = SHARED_BROKERS, behaviour = {}, settings = {}, recipients = 200, withoutTopics = false } = plan;
    super({ root: ROOT, brokers, name: 't', channels: ['whatsapp'], behaviour, settings, withoutTopics });
    this.#recipients = recipients;
    this.#resultsAdmin = this.kafka.admin();
    // If one partition refuses a request, kafkajs repeats the whole request. Then a command would be in its topic
    // twice.
    this.#producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  }

  static prepare(plan: BedPlan = {}): Promise<LifecycleBed> {
    return opened(new LifecycleBed(plan), AbortSignal.timeout(START_MS));
  }

  get commands(): string {
    return this.commandTopic('whatsapp');
  }

  get group(): string {
    return this.groupOf(this.commands);
  }

  override async open(signal: AbortSignal): Promise<void> {
    await super.open(signal);
    this.cleanup.defer(() => this.#resultsAdmin.disconnect());
    await this.#resultsAdmin.connect();
    this.cleanup.defer(() => this.#producer.disconnect());
    await this.#producer.connect();
  }

  /** Starts a service; resolves when it is ready. It is killed with the bed. */
  async start(more: Settings = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(this.service(more), AbortSignal.timeout(START_MS));
    this.cleanup.defer(() => service.kill());
    return service;
  }

  /** Starts a service and does not wait. It is killed with the bed. */
  async launch(): Promise<ServiceProcess> {
    const [port = 0] = await freePorts(1);
    const service = ServiceProcess.launch(this.service(), port);
    this.cleanup.defer(() => service.kill());
    return service;
  }

  /** Writes so many more commands. Their numbers continue those of the last ones. */
  async produce(count: number): Promise<void> {
    const load = { ...LOAD, recipients: this.#recipients };
    for (const end = this.#produced + count; this.#produced < end;) {
      const size = Math.min(BATCH, end - this.#produced);
      const records = Array.from({ length: size }, (_, n) =>
        recordOf(commandOf(load, this.#produced + n), this.commands),
      );
      await produce(this.#producer, records);
      this.#produced += size;
    }
  }

  /** Resolves when the API has accepted at least so many different commands. */
  async untilAccepted(count: number): Promise<void> {
    await until(async () => (await this.sandbox.report()).uniqueAccepted >= count, 60_000, `${count} are accepted`);
  }

  /** Resolves when at least so many results are written. */
  async untilResults(count: number): Promise<void> {
    await until(async () => (await this.resultCount()) >= count, 60_000, `${count} results are written`);
  }

  /** Resolves when everything produced is settled: the committed offsets have reached the ends of the log. */
  async untilSettled(): Promise<void> {
    await until(async () => (await this.uncommitted()) === 0, 60_000, 'everything is committed');
  }

  resultCount(): Promise<number> {
    return recordCount(this.#resultsAdmin, this.results);
  }

  /** All results so far. */
  async readResults(): Promise<ReadResult[]> {
    const count = await this.resultCount();
    const messages = await readAll(this.kafka, this.results, count, AbortSignal.timeout(START_MS));
    return messages.map(({ value }) => JSON.parse(value?.toString() ?? '') as ReadResult);
  }

  /** How all produced commands ended. */
  async account(): Promise<Account> {
    const results = await this.readResults();
    const report = await this.sandbox.report();
    const ids = new Set(results.map(({ commandId }) => commandId));
    const { duplicates: repeatedCalls, orderViolations, overlaps } = report;
    return {
      lost: this.#produced - ids.size,
      repeatedResults: results.length - ids.size,
      notAccepted: results.filter(({ outcome }) => outcome !== 'accepted').length,
      repeatedCalls,
      orderViolations,
      overlaps,
    };
  }

  /** How many records the group has not committed, over all partitions of the command topic. */
  uncommitted(): Promise<number> {
    return this.uncommittedOf(this.commands);
  }

  async topicSetting(topic: string, name: string): Promise<string | undefined> {
    const { resources } = await this.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
    });
    return resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue;
  }
}

/** How a run went. Every figure of a perfect run is 0. */
export interface Account {
  /** Commands without any result. */
  readonly lost: number;
  readonly repeatedResults: number;
  readonly notAccepted: number;
  /** Calls of a command after its first accepted one. */
  readonly repeatedCalls: number;
  readonly orderViolations: number;
  readonly overlaps: number;
}

/** Each command was called once, in order, and settled once. */
export const PERFECT: Account = {
  lost: 0,
  repeatedResults: 0,
  notAccepted: 0,
  repeatedCalls: 0,
  orderViolations: 0,
  overlaps: 0,
};

/** A probe's status code and body; code 0 if nobody answers. */
export async function probe(service: { readonly url: string }, path: string): Promise<{ code: number; body: string }> {
  try {
    const { statusCode, body } = await request(service.url + path);
    return { code: statusCode, body: await body.text() };
  } catch {
    return { code: 0, body: '' };
  }
}

/** The sum of a metric's values over all matching label sets, from Prometheus' text format; NaN if there are none. */
export function metricSum(text: string, name: string, labels = ''): number {
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(name) && '{ '.includes(line[name.length] ?? '') && line.includes(labels))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}

/** Asks again and again until the condition holds. Rejects if it does not in time, with the last error as the cause. */
export async function until(holds: () => Promise<boolean>, timeoutMs: number, what: string): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  const isMet = (): Promise<boolean> =>
    holds().catch((error: unknown) => {
      cause = error;
      return false;
    });
  while (!(await isMet())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await sleep(POLL_MS);
  }
}
