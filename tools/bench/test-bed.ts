import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Admin, Kafka, KafkaMessage, Producer } from 'kafkajs';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import type { Channel } from '../../src/contract/channels.ts';
import { createTopics, deleteTopics } from '../kafka/topics.ts';
import { kafkaClient } from '../lib/kafka-client.ts';
import { PARTITIONS, produce } from '../lib/producing.ts';
import type { Written } from '../lib/producing.ts';
import { readAll, untilCount } from '../lib/reading.ts';
import { SandboxProcess } from '../lib/sandbox-process.ts';
import { serviceCommand } from '../lib/service-command.ts';
import type { ServiceCommand } from '../lib/service-command.ts';
import { ServiceProcess } from '../lib/service-process.ts';
import { IN_FLIGHT, WARM_UP } from './bench.ts';
import type { Bench } from './bench.ts';
import { commandOf, recordOf } from './load.ts';
import type { Load } from './load.ts';

const BATCH = 2_000;
/** A service that settles nothing for so long is stuck. */
const STALL_MS = 30_000;
const POLL_MS = 50;

interface Parts {
  readonly prefix: string;
  readonly channels: readonly Channel[];
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly sandbox: SandboxProcess;
}

/** Topics and a sandbox of one workload's own; what is measured runs between them. */
export class TestBed implements AsyncDisposable {
  readonly #bench: Bench;
  readonly #parts: Parts;
  readonly sandbox: SandboxProcess;
  readonly #topics: readonly string[];
  readonly #name: string;
  #resultsAwaited = 0;

  private constructor(bench: Bench, name: string, parts: Parts) {
    this.#bench = bench;
    this.#name = name;
    this.#parts = parts;
    this.sandbox = parts.sandbox;
    this.#topics = topicsOf(parts.prefix, parts.channels);
  }

  static async prepare(
    bench: Bench,
    name: string,
    behaviour: Partial<Behaviour>,
    channels: readonly Channel[] = ['whatsapp'],
  ): Promise<TestBed> {
    const prefix = `bench-${name}-${randomBytes(3).toString('hex')}.`;
    const sandbox = await SandboxProcess.start(bench.root, behaviour, bench.signal);
    const kafka = kafkaClient(bench.brokers);
    const admin = kafka.admin();
    const producer = kafka.producer({ transactionalId: prefix, idempotent: true, maxInFlightRequests: 1 });
    const bed = new TestBed(bench, name, { prefix, channels, kafka, admin, producer, sandbox });
    try {
      await admin.connect();
      await producer.connect();
      const plans = bed.#topics.map((topic) => ({ topic, partitions: PARTITIONS, configs: configsOf(topic) }));
      await createTopics(bench.brokers, plans, bench.signal);
      return bed;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  get commands(): string {
    return `${this.#parts.prefix}commands.whatsapp`;
  }

  get results(): string {
    return `${this.#parts.prefix}results`;
  }

  get kafka(): Kafka {
    return this.#parts.kafka;
  }

  /** Starts the service on this bed's topics and sandbox, with `settings` beside the usual ones. */
  async startService(settings: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const { root, profiles } = this.#bench;
    const profiling = profiles === null ? [] : ['--cpu-prof', '--cpu-prof-dir', join(profiles, this.#name)];
    return this.#start(serviceCommand(root, profiling), settings);
  }

  /** Starts what is measured against in its place. */
  async startHandWritten(): Promise<ServiceProcess> {
    const script = join(this.#bench.root, 'tools', 'bench', 'hand-written.ts');
    return this.#start({ command: process.execPath, args: [script] }, {});
  }

  async #start(command: ServiceCommand, settings: Readonly<Record<string, string>>): Promise<ServiceProcess> {
    const { root, brokers, signal } = this.#bench;
    const { prefix, channels, sandbox } = this.#parts;
    return ServiceProcess.start(
      {
        root,
        ...command,
        settings: {
          KAFKA_BROKERS: brokers.join(','),
          KAFKA_GROUP_ID: prefix.slice(0, -1),
          TOPIC_PREFIX: prefix,
          CHANNELS: channels.join(','),
          MESSAGES_API_URL: sandbox.url,
          MESSAGES_API_KEY: 'sandbox-key',
          MAX_IN_FLIGHT: String(IN_FLIGHT),
          LOG_LEVEL: 'warn',
          ...settings,
        },
      },
      signal,
    );
  }

  /** Has the service send a few thousand commands, and the sandbox forget them. */
  async warmUp(load: Omit<Load, 'count'>): Promise<void> {
    await this.release({ ...load, name: `${load.name}-warm-up`, count: WARM_UP });
    await this.settled();
    await this.sandbox.reset();
  }

  /**
   * Writes a load in one transaction, so that all of it becomes readable at one moment, which is returned (milliseconds since the epoch):
   * then only the service is at work, and not the writing of its commands.
   */
  async release(load: Load): Promise<number> {
    const transaction = await this.#parts.producer.transaction();
    for (let from = 0; from < load.count; from += BATCH) {
      this.#bench.signal.throwIfAborted();
      const size = Math.min(BATCH, load.count - from);
      const records = Array.from({ length: size }, (_, n) => recordOf(commandOf(load, from + n), this.commands));
      await produce(transaction, records);
    }
    this.#resultsAwaited += load.count;
    const releasedAtMs = Date.now();
    await transaction.commit();
    return releasedAtMs;
  }

  /** Writes command `n` of a load, alone. */
  async releaseOne(producer: Producer, load: Load, n: number): Promise<Written> {
    this.#resultsAwaited++;
    const [written] = await produce(producer, [recordOf(commandOf(load, n), this.commands)]);
    if (written === undefined) throw new Error('nothing was written');
    return written;
  }

  /** Resolves once everything released has its result. Rejects where the service stands still. */
  async settled(): Promise<void> {
    const { signal } = this.#bench;
    await untilCount(this.#parts.admin, this.results, this.#resultsAwaited, {
      pollMs: POLL_MS,
      stallMs: STALL_MS,
      signal,
    });
  }

  /** All results so far; their timestamps say when the broker appended them. */
  async readResults(): Promise<KafkaMessage[]> {
    return readAll(this.#parts.kafka, this.results, this.#resultsAwaited, this.#bench.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { admin, producer, sandbox } = this.#parts;
    await producer.disconnect();
    await admin.disconnect();
    await sandbox[Symbol.asyncDispose]();
    await deleteTopics(this.#bench.brokers, this.#topics);
  }
}

/** Of RETRY_TOPIC_DELAYS: what is measured is the service as it comes. */
const DEFAULT_DELAYS = ['1m', '10m', '1h'];

function topicsOf(prefix: string, channels: readonly Channel[]): string[] {
  const commands = channels.flatMap((channel) => [`commands.${channel}`, `commands.${channel}.bulk`]);
  const retries = channels.flatMap((channel) => DEFAULT_DELAYS.map((delay) => `retries.${channel}.${delay}`));
  return [...commands, ...retries, 'results', 'dead-letters'].map((name) => prefix + name);
}

function configsOf(topic: string): Record<string, string> {
  return topic.endsWith('.results') ? { 'message.timestamp.type': 'LogAppendTime' } : {};
}
