import { join } from 'node:path';
import type { KafkaMessage, Producer } from 'kafkajs';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import type { Channel } from '../../src/contract/channels.ts';
import { Bed, opened } from '../lib/bed.ts';
import type { BedPlan, Settings } from '../lib/bed.ts';
import { produce } from '../lib/producing.ts';
import type { Written } from '../lib/producing.ts';
import { readAll, untilCount } from '../lib/reading.ts';
import { ServiceProcess } from '../lib/service-process.ts';
import { IN_FLIGHT, WARM_UP } from './bench.ts';
import type { Bench } from './bench.ts';
import { commandOf, recordOf } from './load.ts';
import type { Load } from './load.ts';

const BATCH = 2_000;
/** A service that settles nothing for so long is stuck. */
const STALL_MS = 30_000;
const POLL_MS = 50;

/** The default of `RETRY_TOPIC_DELAYS`: the service is measured with its defaults. */
const DEFAULT_DELAYS = ['1m', '10m', '1h'];

/** The bed of one workload. Everything measured runs in it. */
export class TestBed extends Bed {
  readonly #bench: Bench;
  readonly #name: string;
  readonly #producer: Producer;
  #resultsAwaited = 0;

  private constructor(bench: Bench, name: string, plan: Pick<BedPlan, 'behaviour' | 'channels'>) {
    super({
      ...plan,
      root: bench.root,
      brokers: bench.brokers,
      name: `bench-${name}`,
      retryDelays: DEFAULT_DELAYS,
      settings: { MAX_IN_FLIGHT: String(IN_FLIGHT) },
      resultsConfigs: { 'message.timestamp.type': 'LogAppendTime' },
    });
    this.#bench = bench;
    this.#name = name;
    this.#producer = this.kafka.producer({ transactionalId: this.prefix, idempotent: true, maxInFlightRequests: 1 });
  }

  static prepare(
    bench: Bench,
    name: string,
    behaviour: Partial<Behaviour>,
    channels: readonly Channel[] = ['whatsapp'],
  ): Promise<TestBed> {
    return opened(new TestBed(bench, name, { behaviour, channels }), bench.signal);
  }

  get commands(): string {
    return this.commandTopic('whatsapp');
  }

  override async open(signal: AbortSignal): Promise<void> {
    await super.open(signal);
    this.cleanup.defer(() => this.#producer.disconnect());
    await this.#producer.connect();
  }

  /** Starts the service in this bed, with `settings` in addition to the usual ones. */
  async startService(settings: Settings = {}): Promise<ServiceProcess> {
    const { profiles, signal } = this.#bench;
    const profiling = profiles === null ? [] : ['--cpu-prof', '--cpu-prof-dir', join(profiles, this.#name)];
    return ServiceProcess.start(this.service(settings, profiling), signal);
  }

  /** Starts a program in the service's place, to compare the service with it. */
  async startHandWritten(): Promise<ServiceProcess> {
    const args = [join(this.root, 'tools', 'bench', 'hand-written.ts')];
    return ServiceProcess.start({ ...this.service(), args }, this.#bench.signal);
  }

  /** Has the service send a few thousand commands, then makes the sandbox forget them. */
  async warmUp(load: Omit<Load, 'count'>): Promise<void> {
    await this.release({ ...load, name: `${load.name}-warm-up`, count: WARM_UP });
    await this.settled();
    await this.sandbox.reset();
  }

  /**
   * Writes a load in one transaction, so that all of it becomes readable at one moment: from then on only the service
   * works, and nobody writes commands. Returns that moment, in ms since the epoch.
   */
  async release(load: Load): Promise<number> {
    const transaction = await this.#producer.transaction();
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

  /** Resolves when every released command has its result. Rejects if the service stands still. */
  async settled(): Promise<void> {
    const { signal } = this.#bench;
    await untilCount(this.admin, this.results, this.#resultsAwaited, {
      pollMs: POLL_MS,
      stallMs: STALL_MS,
      signal,
    });
  }

  /** All results so far. Their timestamps say when the broker appended them. */
  async readResults(): Promise<KafkaMessage[]> {
    return readAll(this.kafka, this.results, this.#resultsAwaited, this.#bench.signal);
  }
}
