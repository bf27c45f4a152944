import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import type { DevKafka } from '../kafka/dev-kafka.ts';
import { freePorts } from '../kafka/free-ports.ts';
import { createTopics, deleteTopics } from '../kafka/topics.ts';
import { kafkaClient } from '../lib/kafka-client.ts';
import { PARTITIONS } from '../lib/producing.ts';
import { SandboxProcess } from '../lib/sandbox-process.ts';
import type { DevRedis } from '../redis/dev-redis.ts';
import { startRedis } from '../redis/start-redis.ts';
import type { ReplicaName } from './faults.ts';
import { CHANNELS } from './load.ts';
import { Replica } from './replica.ts';
import { LATENCY_MS, MAX_IN_FLIGHT, SESSION_TIMEOUT_MS } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import { uncommitted } from './topic-state.ts';

/** Where scenarios take place. */
export interface Stage {
  readonly root: string;
  /** Three brokers that can be controlled. */
  readonly kafka: DevKafka;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const REPLICAS: readonly ReplicaName[] = ['a', 'b', 'c'];
const RETRY_DELAYS = ['2s', '5s'];
const POLL_MS = 250;
/** Where less and less is left, it goes on; nothing at all for so long means never. */
const GIVE_UP_MS = 60_000;

/** Topics of the service's own time: when a result was written is the broker's word. */
export const RESULTS_CONFIGS: Readonly<Record<string, string>> = {
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': '2',
};

/** Topics, a sandbox, a Redis where one is wanted, and replicas, of one scenario's own. */
export class Bed implements AsyncDisposable {
  readonly stage: Stage;
  readonly prefix: string;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly #cleanup = new AsyncDisposableStack();
  readonly #replicas = new Map<ReplicaName, Replica>();
  #sandbox: SandboxProcess | null = null;
  #redis: DevRedis | null = null;
  /** Exit codes of replicas that were asked to drain. */
  readonly exitCodes: number[] = [];
  #logs = '';

  private constructor(stage: Stage, scenario: Scenario) {
    this.stage = stage;
    this.prefix = `chaos-${scenario.name}-${randomBytes(3).toString('hex')}.`;
    this.kafka = kafkaClient(stage.kafka.brokers);
    this.admin = this.kafka.admin({ retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 30 } });
  }

  static async prepare(stage: Stage, scenario: Scenario): Promise<Bed> {
    const bed = new Bed(stage, scenario);
    try {
      await bed.#prepare(scenario);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get sandbox(): SandboxProcess {
    if (this.#sandbox === null) throw new Error('the bed is not prepared');
    return this.#sandbox;
  }

  get redis(): DevRedis {
    if (this.#redis === null) throw new Error('this scenario has no Redis');
    return this.#redis;
  }

  get replicas(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  get commandTopics(): string[] {
    return CHANNELS.flatMap((channel) => [`commands.${channel}`, `commands.${channel}.bulk`]).map((name) => this.prefix + name); // prettier-ignore
  }

  get results(): string {
    return `${this.prefix}results`;
  }

  get topics(): string[] {
    const retries = CHANNELS.flatMap((channel) => this.#retryTopics(channel));
    return [...this.commandTopics, ...retries, this.results, `${this.prefix}dead-letters`];
  }

  /** Folder of what the replicas said. */
  get logs(): string {
    return this.#logs;
  }

  groupOf(topic: string): string {
    return `${this.prefix}g.${topic}`;
  }

  replica(name: ReplicaName): Replica {
    const replica = this.#replicas.get(name);
    if (replica === undefined) throw new RangeError(`no replica ${name}`);
    return replica;
  }

  async setClock(name: ReplicaName, offByMs: number): Promise<void> {
    await writeFile(this.#clockFile(name), String(offByMs));
  }

  /** SIGTERM to all that run; their exit codes are kept. */
  async stopReplicas(): Promise<void> {
    const running = this.replicas.filter(({ isRunning }) => isRunning);
    this.exitCodes.push(...(await Promise.all(running.map((replica) => replica.stop()))));
  }

  /** Resolves to 0 once everything is committed, retry topics included, or to what is left where nothing moves any more. */
  async untilSettled(): Promise<number> {
    let least = Infinity;
    let movedAtMs = performance.now();
    for (;;) {
      const left = await this.#uncommitted().catch(() => Infinity);
      if (left === 0) return 0;
      if (left < least) [least, movedAtMs] = [left, performance.now()];
      if (performance.now() - movedAtMs > GIVE_UP_MS) return left;
      await sleep(POLL_MS, undefined, { signal: this.stage.signal });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup.disposeAsync();
  }

  /** Command topics first: what is parked is on its retry topic before it is committed here, and so with each round. */
  async #uncommitted(): Promise<number> {
    let left = 0;
    for (const topic of this.commandTopics) left += await uncommitted(this.admin, this.groupOf(topic), topic);
    for (const channel of CHANNELS) {
      const group = this.groupOf(`${this.prefix}retries.${channel}`);
      for (const topic of this.#retryTopics(channel)) left += await uncommitted(this.admin, group, topic);
    }
    return left;
  }

  async #prepare(scenario: Scenario): Promise<void> {
    const { root, kafka, signal } = this.stage;
    this.#logs = join(root, 'reports', 'chaos', this.prefix.slice(0, -1));
    await mkdir(this.#logs, { recursive: true });
    this.#cleanup.defer(() => deleteTopics(kafka.brokers, this.topics).catch(() => {}));
    this.#cleanup.defer(() => this.admin.disconnect());
    await this.admin.connect();
    await createTopics(
      kafka.brokers,
      this.topics.map((topic) => ({
        topic,
        partitions: PARTITIONS,
        ...(topic === this.results && { configs: RESULTS_CONFIGS }),
      })),
      signal,
    );
    const behaviour = { latencyMs: LATENCY_MS, recordCalls: true, ...scenario.behaviour };
    this.#sandbox = this.#cleanup.use(await SandboxProcess.start(root, behaviour, signal));
    if (scenario.redis !== 'none') {
      this.#redis = this.#cleanup.use(await startRedis({ root, signal, persistent: scenario.redis === 'persistent' }));
    }
    const ports = await freePorts(REPLICAS.length);
    for (const [index, name] of REPLICAS.entries()) {
      const logFile = join(this.#logs, `${name}.log`);
      const plan = { name, root, port: ports[index] ?? 0, settings: this.#settings(scenario, name), logFile };
      this.#replicas.set(name, this.#cleanup.use(new Replica(plan)));
    }
  }

  #settings(scenario: Scenario, name: ReplicaName): Record<string, string> {
    const preload = pathToFileURL(join(this.stage.root, 'tools', 'chaos', 'shifted-clock.ts')).href;
    return {
      NODE_ENV: 'production',
      KAFKA_BROKERS: this.stage.kafka.brokers.join(','),
      KAFKA_GROUP_ID: `${this.prefix}g`,
      KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      TOPIC_PREFIX: this.prefix,
      CHANNELS: CHANNELS.join(','),
      MESSAGES_API_URL: this.sandbox.url,
      MESSAGES_API_KEY: 'sandbox-key',
      MAX_IN_FLIGHT: String(MAX_IN_FLIGHT),
      RETRY_TOPIC_DELAYS: RETRY_DELAYS.join(','),
      LOG_LEVEL: 'debug',
      ...(this.#redis !== null && { REDIS_URL: this.#redis.url }),
      ...(scenario.clocks === true && {
        NODE_OPTIONS: `--import ${preload}`,
        CHAOS_CLOCK_FILE: this.#clockFile(name),
      }),
      ...scenario.settings,
    };
  }

  #clockFile(name: ReplicaName): string {
    return join(this.#logs, `${name}.clock`);
  }

  #retryTopics(channel: string): string[] {
    return RETRY_DELAYS.map((delay) => `${this.prefix}retries.${channel}.${delay}`);
  }
}
