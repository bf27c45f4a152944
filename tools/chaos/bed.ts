import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DevKafka } from '../kafka/dev-kafka.ts';
import { freePorts } from '../kafka/free-ports.ts';
import { Bed, opened } from '../lib/bed.ts';
import type { Settings } from '../lib/bed.ts';
import type { DevRedis } from '../redis/dev-redis.ts';
import { startRedis } from '../redis/start-redis.ts';
import type { ReplicaName } from './faults.ts';
import { CHANNELS } from './load.ts';
import { Replica } from './replica.ts';
import { LATENCY_MS, MAX_IN_FLIGHT, SESSION_TIMEOUT_MS } from './scenarios.ts';
import type { Form, Scenario } from './scenarios.ts';

/** The place for scenarios. */
export interface Stage {
  readonly root: string;
  /** Three brokers that can be killed and frozen. */
  readonly kafka: DevKafka;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const REPLICAS: readonly ReplicaName[] = ['a', 'b', 'c'];
const RETRY_DELAYS = ['2s', '5s'];
const POLL_MS = 250;
/** How long to wait without any progress before giving up. As long as there is progress, waiting goes on. */
const GIVE_UP_MS = 60_000;

/** The broker, not the service, sets the timestamps of results. */
export const RESULTS_CONFIGS: Readonly<Record<string, string>> = {
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': '2',
};

/** A bed of one scenario, with replicas and, if the scenario wants one, a Redis. */
export class ChaosBed extends Bed {
  readonly stage: Stage;
  readonly #scenario: Scenario;
  readonly #replicas = new Map<ReplicaName, Replica>();
  #redis: DevRedis | null = null;
  /** Exit codes of the replicas that were asked to drain. */
  readonly exitCodes: number[] = [];
  /** Folder of the replicas' logs. */
  readonly logs: string;

  private constructor(stage: Stage, scenario: Scenario, form: Form) {
    super({
      root: stage.root,
      brokers: stage.kafka.brokers,
      name: `chaos-${scenario.name}`,
      channels: CHANNELS,
      retryDelays: RETRY_DELAYS,
      behaviour: { latencyMs: LATENCY_MS, recordCalls: true, ...scenario.behaviour },
      settings: {
        KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
        MAX_IN_FLIGHT: String(MAX_IN_FLIGHT),
        LOG_LEVEL: 'debug',
        ...scenario.settings,
        ...form.settings,
      },
      resultsConfigs: RESULTS_CONFIGS,
    });
    this.stage = stage;
    this.#scenario = scenario;
    this.logs = join(stage.root, 'reports', 'chaos', this.prefix.slice(0, -1));
  }

  static prepare(stage: Stage, scenario: Scenario, form: Form): Promise<ChaosBed> {
    return opened(new ChaosBed(stage, scenario, form), stage.signal);
  }

  get redis(): DevRedis {
    if (this.#redis === null) throw new Error('this scenario has no Redis');
    return this.#redis;
  }

  get replicas(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  replica(name: ReplicaName): Replica {
    const replica = this.#replicas.get(name);
    if (replica === undefined) throw new RangeError(`no replica ${name}`);
    return replica;
  }

  async setClock(name: ReplicaName, offByMs: number): Promise<void> {
    await writeFile(this.#clockFile(name), String(offByMs));
  }

  /** Sends SIGTERM to all that run, and keeps their exit codes. */
  async stopReplicas(): Promise<void> {
    const running = this.replicas.filter(({ isRunning }) => isRunning);
    this.exitCodes.push(...(await Promise.all(running.map((replica) => replica.stop()))));
  }

  /**
   * Resolves to 0 when everything is committed, on retry topics too. Resolves to the number of records left if there is
   * no progress any more.
   */
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

  override async open(signal: AbortSignal): Promise<void> {
    await super.open(signal);
    await mkdir(this.logs, { recursive: true });
    const { redis } = this.#scenario;
    if (redis !== 'none') {
      const plan = { root: this.root, signal, persistent: redis === 'persistent' };
      this.#redis = this.cleanup.use(await startRedis(plan));
    }
    const ports = await freePorts(REPLICAS.length);
    for (const [index, name] of REPLICAS.entries()) {
      const service = this.service({ REPLICA_ID: name, ...this.#ownSettings(name) });
      const plan = { name, port: ports[index] ?? 0, service, logFile: join(this.logs, `${name}.log`) };
      this.#replicas.set(name, this.cleanup.use(new Replica(plan)));
    }
  }

  /**
   * Command topics come first: a command is on its retry topic before its record on the command topic is committed. The
   * same holds for each round.
   */
  async #uncommitted(): Promise<number> {
    let left = 0;
    for (const topic of this.commandTopics) left += await this.uncommittedOf(topic);
    for (const channel of CHANNELS) {
      const group = this.groupOf(`${this.prefix}retries.${channel}`);
      for (const topic of this.retryTopics(channel)) left += await this.uncommittedOf(topic, group);
    }
    return left;
  }

  #ownSettings(name: ReplicaName): Settings {
    const preload = pathToFileURL(join(this.root, 'tools', 'chaos', 'shifted-clock.ts')).href;
    return {
      ...(this.#redis !== null && { REDIS_URL: this.#redis.url }),
      ...(this.#scenario.clocks === true && {
        NODE_OPTIONS: `--import ${preload}`,
        CHAOS_CLOCK_FILE: this.#clockFile(name),
      }),
    };
  }

  #clockFile(name: ReplicaName): string {
    return join(this.logs, `${name}.clock`);
  }
}
