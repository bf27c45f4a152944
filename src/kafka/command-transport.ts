import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { Server } from '@nestjs/microservices';
import type { Admin, Kafka } from 'kafkajs';
import type { Config } from '../config/config';
import type { Topics } from '../contract/topics';
import { systemClock } from '../dispatch/clock';
import type { KeyRing } from '../dispatch/credentials';
import { Dispatcher } from '../dispatch/dispatcher';
import type { Halts } from '../dispatch/halts';
import { Intake } from '../dispatch/intake';
import type { Job } from '../dispatch/job';
import type { SendCommand } from '../dispatch/ports';
import { LocalRateLimiter } from '../dispatch/rate-limiter';
import { SlowStart } from '../dispatch/slow-start';
import type { ApiStatus, ConsumerStatus, ServiceStatus } from '../health/service-status';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import type { Telemetry } from '../observability/telemetry';
import type { SettledStore } from '../settlement/settled-store';
import type { Settlement } from '../settlement/settlement';
import type { AcceptRecord } from './assigned-partition';
import type { RecordSink } from './assigned-partitions';
import { IntakeBudget } from './intake-budget';
import type { KafkaLog } from './kafka-client';
import type { OffsetResets } from './offset-resets';
import { removeFormerMembers } from './former-members';
import { GroupConsumer } from './group-consumer';
import { type Handler, sendByHandler } from './nest-handler';
import { commandReading, type Reading, retryReadings } from './readings';
import { StartError, untilKafkaServes } from './start-checks';

/**
 * After a crash other replicas have this long to go on with its partitions before this one asks for a share again: in a crash
 * loop it would take them away each time, and never come to send anything.
 */
const AFTER_CRASH_MS = 5_000;

/** What is connected before the first record is read, and closed after the last result is written. */
export interface Connected {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Deps {
  readonly config: Config;
  readonly topics: Topics;
  readonly kafka: Kafka;
  readonly settlement: Settlement;
  readonly store: SettledStore;
  readonly keys: Keys;
  readonly publishers: readonly Connected[];
  readonly halts: Halts;
  readonly resets: OffsetResets;
  readonly telemetry: Telemetry;
  readonly log: KafkaLog;
}

/** The keys of the API, as far as dispatch needs to know them. */
interface Keys extends KeyRing {
  has(key: string): boolean;
  start(onChange: () => void): void;
  stop(): void;
}

/**
 * The flow of commands, and Nest's transport for it: records are read, decoded and admitted; Nest's handler makes one call
 * for each; what it came to is settled, and the offset released.
 *
 *     created → listen → running → drain → stopped
 */
export class CommandTransport extends Server implements CustomTransportStrategy, ServiceStatus {
  private readonly admin: Admin;
  private readonly budget: IntakeBudget;
  private readonly dispatcher: Dispatcher;
  private readonly intake: Intake;
  private readonly groupConsumers: readonly GroupConsumer[];
  private readonly dead = new Set<string>();
  private closing: Promise<void> | null = null;
  private areTopicsThere = false;
  /** Aborts when the drain begins: a start that still waits for Kafka ends. */
  private readonly stopping = new AbortController();
  private sendByHandler: SendCommand | null = null;
  private onDeath: (topic: string) => void = () => undefined;

  constructor(private readonly deps: Deps) {
    super();
    const { config, topics, settlement, store, keys, telemetry, halts, kafka, log } = deps;
    this.admin = kafka.admin();
    this.budget = new IntakeBudget(config.intake);
    this.dispatcher = new Dispatcher({
      config: config.dispatch,
      callTimeoutMs: config.messagesApi.timeoutMs,
      clock: systemClock,
      random: Math.random,
      limiter: new LocalRateLimiter(config.dispatch.limits),
      slowStart: new SlowStart(config.dispatch.maxInFlight),
      keys,
      store,
      telemetry,
      send: (command, permit) => this.sendNow(command, permit),
      outcomes: {
        settle: (job, ending, done) => settlement.settle({ ...placeOf(job), ...ending }, done),
        park: (job, settled, round) =>
          settlement.park({ ...placeOf(job), settled, round, completedAtMs: systemClock.wallMs() }),
      },
      listener: {
        onHalted: (isHalted) => halts.set('api', isHalted),
        onShut: (isShut) =>
          log(
            'warn',
            isShut ? 'the Messages API fails: nothing is sent but probes' : 'the Messages API works again',
            {},
          ),
        onChannelShut: (channel, isShut) =>
          log('warn', isShut ? 'a channel fails: nothing of it is sent but probes' : 'the channel works again', {
            channel,
          }),
        onKeyRefused: (httpStatus, workspaceId) =>
          log('warn', 'the Messages API refuses the key: its commands wait', { httpStatus, workspaceId }),
      },
    });
    const commandTopics = topics.commands(config.kafka.channels);
    this.intake = new Intake({
      topics: commandTopics,
      defaultDelivery: config.dispatch.defaultDelivery,
      isStoreDurable: store.isDurable,
      wallMs: () => systemClock.wallMs(),
      add: (job) => this.dispatcher.add(job),
      settle: (ended, done) => settlement.settle(ended, done),
    });
    const { intake, dispatcher } = this;
    const sinkOf = (accept: AcceptRecord): RecordSink => ({
      openPartition: () => dispatcher.openPartition(),
      accept,
      accepted: () => dispatcher.pump(),
      discard: (source) => dispatcher.discard(source),
    });
    const newConsumer = (reading: Reading, accept: AcceptRecord): GroupConsumer =>
      new GroupConsumer(reading, {
        kafka,
        admin: this.admin,
        config: config.kafka,
        callTimeoutMs: config.messagesApi.timeoutMs,
        budget: this.budget,
        sink: sinkOf(accept),
        telemetry,
        log,
        onDead: (name) => this.die(name),
      });
    this.groupConsumers = [
      ...commandTopics.map(({ topic }) => newConsumer(commandReading(config, topic), intake.accept.bind(intake))),
      ...retryReadings(config, topics).map(({ channel, reading }) =>
        newConsumer(reading, (record, value, source) => intake.acceptReturned(record, value, source, channel)),
      ),
    ];
    halts.watch((isHalted) => this.groupConsumers.forEach((consumer) => consumer.halt(isHalted)));
    deps.resets.watch((topic, partition) => {
      telemetry.offsetReset(topic);
      for (const consumer of this.groupConsumers) consumer.reset(topic, partition);
    });
    this.watchGauges();
  }

  /** Called once with the topic of a consumer that is not restarted any more: the process is to drain and exit. */
  whenDead(onDeath: (topic: string) => void): void {
    this.onDeath = onDeath;
  }

  /** Checks the topics and starts to consume; `callback` hears of a fault that forbids the start. */
  listen(callback: (error?: unknown) => void): void {
    void this.beginAndTell(callback);
  }

  /** Stops reading, lets what is on the wire settle, commits, and leaves the groups. Resolves when all is done. */
  close(): Promise<void> {
    this.closing ??= this.drain();
    return this.closing;
  }

  on(): void {
    throw new Error('the command transport has no events of its own');
  }

  unwrap<T>(): T {
    return this.deps.kafka as T;
  }

  consumers(): ConsumerStatus[] {
    const nowMs = performance.now();
    return this.groupConsumers.map((consumer) => ({
      name: consumer.name,
      hasJoined: consumer.hasJoined,
      outForMs: consumer.outForMs(nowMs),
      isDead: this.dead.has(consumer.name),
    }));
  }

  isStarted(): boolean {
    return this.areTopicsThere && this.groupConsumers.every((consumer) => consumer.hasJoined);
  }

  isDraining(): boolean {
    return this.closing !== null;
  }

  dispatchOverdueMs(): number {
    return this.dispatcher.overdueMs();
  }

  apiHealth(): ApiStatus {
    return this.dispatcher.apiHealth;
  }

  isSettledStoreAvailable(): boolean {
    return this.deps.store.isAvailable;
  }

  haltedBy(): readonly string[] {
    return this.deps.halts.current;
  }

  private async drain(): Promise<void> {
    this.deps.halts.set('draining', true);
    this.stopping.abort();
    await Promise.all([this.dispatcher.drain(), this.intake.drain()]);
    await Promise.all(this.groupConsumers.map((consumer) => consumer.flush()));
    await Promise.all(this.groupConsumers.map((consumer) => consumer.stop()));
    this.deps.keys.stop();
    await Promise.all([
      this.admin.disconnect(),
      this.deps.store.stop(),
      ...this.deps.publishers.map((publisher) => publisher.stop()),
    ]);
  }

  private async beginAndTell(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      callback(error);
      return;
    }
    callback();
  }

  private async begin(): Promise<void> {
    const { config, topics, publishers, store, keys, kafka, log } = this.deps;
    this.sendByHandler = this.findHandler();
    const isReady = await untilKafkaServes({ config, topics, kafka, admin: this.admin, log }, this.stopping.signal);
    if (!isReady) return;
    this.areTopicsThere = true;
    await Promise.all([store.start(), ...publishers.map((publisher) => publisher.start())]);
    keys.start(() => this.dispatcher.keysChanged((key) => keys.has(key)));
    const groupIds = this.groupConsumers.map((consumer) => consumer.groupId);
    const { clientId } = config.kafka;
    if (await removeFormerMembers(kafka, this.admin, { clientId, groupIds, log })) {
      await sleep(AFTER_CRASH_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
    if (this.stopping.signal.aborted) return;
    for (const consumer of this.groupConsumers) consumer.start();
  }

  /** Nothing is read, so nothing is sent, before the handler is found. */
  private sendNow(...call: Parameters<SendCommand>): ReturnType<SendCommand> {
    if (this.sendByHandler === null) throw new Error('the transport has not begun');
    return this.sendByHandler(...call);
  }

  private findHandler(): SendCommand {
    const handler = this.getHandlerByPattern(SEND_MESSAGE);
    if (handler === null) throw new StartError(`no handler for ${SEND_MESSAGE}`);
    return sendByHandler(handler as unknown as Handler, this.deps.log);
  }

  private die(topic: string): void {
    this.dead.add(topic);
    this.deps.log('error', 'consumer crashed too often, giving up', { topic });
    this.onDeath(topic);
  }

  private watchGauges(): void {
    const { dispatcher, budget, groupConsumers } = this;
    const { store } = this.deps;
    this.deps.telemetry.watch({
      inFlight: () => dispatcher.inFlight,
      waiting: () => dispatcher.waiting,
      api: () => dispatcher.apiHealth,
      settledStoreAvailable: () => Number(store.isAvailable),
      heldCommands: () => budget.commands,
      heldBytes: () => budget.bytes,
      partitions: () => groupConsumers.flatMap((consumer) => [...consumer.gauges(performance.now())]),
    });
  }
}

function placeOf({ origin, command, channel, lane }: Job) {
  return { record: origin, command, channel, lane };
}
