import type { Log } from '../../observability/log';
import type { Config } from '../../config/config';
import type { Topics } from '../../contract/topics';
import { systemClock } from '../../dispatch/clock';
import type { ConsumerStatus } from '../../health/service-status';
import type { PartitionGauges, Telemetry } from '../../observability/telemetry';
import { OneAtATime } from '../batches/one-at-a-time';
import type { SharedClient } from '../client/shared-client';
import { readOldEntry } from '../kafkajs-patches/fetched-batches';
import type { RecordSink } from '../partitions/assigned-partitions';
import type { Halts } from '../partitions/halts';
import { IntakeBudget } from '../partitions/intake-budget';
import { groupClients } from './group-client';
import { GroupConsumer } from './group-consumer';
import { commandReading, type Reading, retryReadings } from './readings';

interface Deps {
  readonly config: Config;
  readonly client: SharedClient;
  readonly topics: Topics;
  readonly halts: Halts;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/** All consumers of the service: one for each command topic, and one for the retry topics of each channel. */
export class CommandConsumers {
  private readonly budget: IntakeBudget;
  private consumers: readonly GroupConsumer[] = [];
  private readonly large = new OneAtATime();
  private readonly dead = new Set<string>();
  private onDeath: (name: string) => void = () => undefined;

  constructor(private readonly deps: Deps) {
    this.budget = new IntakeBudget(deps.config.intake);
  }

  /** Makes the consumers, whose records go to `sink`. Must be called once, before `start`. */
  connect(sink: RecordSink): void {
    const { config, topics, client, halts, telemetry } = this.deps;
    const readings = [
      ...topics.commands(config.kafka.channels).map(({ topic }) => commandReading(config, topic)),
      ...retryReadings(config, topics).map(({ reading }) => reading),
    ];
    this.consumers = readings.map((reading) => this.newConsumer(reading, sink));
    halts.watch((isHalted) => this.consumers.forEach((consumer) => consumer.halt(isHalted)));
    client.watchOffsets((topic, partition) => {
      telemetry.offsetReset(topic);
      for (const consumer of this.consumers) consumer.reset(topic, partition);
    });
  }

  /**
   * Calls `onDeath` with the name of a consumer that is not restarted any more. The process must then drain and exit.
   */
  whenDead(onDeath: (name: string) => void): void {
    this.onDeath = onDeath;
  }

  get groupIds(): readonly string[] {
    return this.consumers.map(({ groupId }) => groupId);
  }

  get haveAllJoined(): boolean {
    return this.consumers.every(({ hasJoined }) => hasJoined);
  }

  /** Commands in memory, from being read to being settled, and the bytes that they take. */
  get inMemory(): { readonly commands: number; readonly bytes: number } {
    return this.budget;
  }

  statuses(nowMs: number): ConsumerStatus[] {
    return this.consumers.map((consumer) => ({
      name: consumer.name,
      hasJoined: consumer.hasJoined,
      outForMs: consumer.outForMs(nowMs),
      isDead: this.dead.has(consumer.name),
    }));
  }

  gauges(nowMs: number): PartitionGauges[] {
    return this.consumers.flatMap((consumer) => [...consumer.gauges(nowMs)]);
  }

  start(): void {
    for (const consumer of this.consumers) consumer.start();
  }

  /** Commits all that is settled, as far as the groups accept it, then leaves the groups. */
  async stop(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => consumer.flush()));
    await Promise.all(this.consumers.map((consumer) => consumer.stop()));
  }

  private newConsumer(reading: Reading, sink: RecordSink): GroupConsumer {
    const { config, client, telemetry, log } = this.deps;
    const { maxBatchBytes } = config.kafka;
    return new GroupConsumer(reading, {
      newClient: groupClients(client.kafka, { maxBatchBytes, large: this.large, readOldEntry }),
      reader: client.admin,
      clock: systemClock,
      config: config.kafka,
      callTimeoutMs: config.messagesApi.timeoutMs,
      budget: this.budget,
      sink,
      telemetry,
      log,
      onDead: (name) => this.die(name),
    });
  }

  private die(topic: string): void {
    this.dead.add(topic);
    this.deps.log('error', 'consumer crashed too often, giving up', { topic });
    this.onDeath(topic);
  }
}
