import type { CustomTransportStrategy } from '@nestjs/microservices';
import { Server } from '@nestjs/microservices';
import type { Admin, Kafka } from 'kafkajs';
import { firstValueFrom, isObservable } from 'rxjs';
import type { Config } from '../config/config';
import type { Command } from '../contract/command';
import type { Topics } from '../contract/topics';
import { systemClock } from '../dispatch/clock';
import { Dispatcher } from '../dispatch/dispatcher';
import type { Halts } from '../dispatch/halts';
import { Intake } from '../dispatch/intake';
import { LocalRateLimiter } from '../dispatch/rate-limiter';
import type { ConsumerStatus, ServiceStatus } from '../health/service-status';
import type { CallResult } from '../messages-api/call-result';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import type { Telemetry } from '../observability/telemetry';
import type { Settlement } from '../settlement/settlement';
import { IntakeBudget } from './intake-budget';
import type { KafkaLog } from './kafka-client';
import type { OffsetResets } from './offset-resets';
import { missingTopics } from './topic-check';
import { TopicConsumer } from './topic-consumer';

/** A fault of the surroundings that no retry mends: the process cannot start. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

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
  readonly publishers: readonly Connected[];
  readonly halts: Halts;
  readonly resets: OffsetResets;
  readonly telemetry: Telemetry;
  readonly log: KafkaLog;
}

type Handler = (command: Command) => Promise<CallResult>;

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
  private readonly topicConsumers: readonly TopicConsumer[];
  private readonly dead = new Set<string>();
  private closing: Promise<void> | null = null;
  private areTopicsThere = false;
  private handler: Handler | null = null;
  private onDeath: (topic: string) => void = () => undefined;

  constructor(private readonly deps: Deps) {
    super();
    const { config, topics, settlement, telemetry, halts, kafka, log } = deps;
    this.admin = kafka.admin();
    this.budget = new IntakeBudget(config.intake);
    this.dispatcher = new Dispatcher({
      config: config.dispatch,
      callTimeoutMs: config.messagesApi.timeoutMs,
      clock: systemClock,
      random: Math.random,
      limiter: new LocalRateLimiter(config.dispatch.limits),
      telemetry,
      send: (command) => this.call(command),
      settle: (job, settled) => {
        const { record, command, channel, lane } = job;
        return settlement.settle({ record, command, channel, lane, settled });
      },
      listener: {
        onHalted: (isHalted) => {
          halts.set('api', isHalted);
          log(
            'warn',
            isHalted ? 'the Messages API fails: nothing is sent but probes' : 'the Messages API works again',
            {},
          );
        },
        onKeyRefused: (httpStatus) =>
          log('warn', 'the Messages API refuses the key: its commands wait', { httpStatus }),
      },
    });
    const commandTopics = topics.commands(config.kafka.channels);
    this.intake = new Intake({
      topics: commandTopics,
      defaultDelivery: config.dispatch.defaultDelivery,
      add: (job) => this.dispatcher.add(job),
      settle: (ended) => settlement.settle(ended),
    });
    const sink = {
      openPartition: () => this.dispatcher.openPartition(),
      accept: this.intake.accept.bind(this.intake),
      accepted: () => this.dispatcher.pump(),
      discard: this.dispatcher.discard.bind(this.dispatcher),
    };
    this.topicConsumers = commandTopics.map(
      ({ topic }) =>
        new TopicConsumer(topic, {
          kafka,
          admin: this.admin,
          config: config.kafka,
          callTimeoutMs: config.messagesApi.timeoutMs,
          budget: this.budget,
          sink,
          telemetry,
          log,
          onDead: (name) => this.die(name),
        }),
    );
    halts.watch((isHalted) => this.topicConsumers.forEach((consumer) => consumer.halt(isHalted)));
    deps.resets.watch((topic, partition) => {
      telemetry.offsetReset(topic);
      this.topicConsumers.find((consumer) => consumer.topic === topic)?.reset(partition);
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
    return this.topicConsumers.map((consumer) => ({
      topic: consumer.topic,
      hasJoined: consumer.hasJoined,
      outForMs: consumer.outForMs(nowMs),
      isDead: this.dead.has(consumer.topic),
    }));
  }

  isStarted(): boolean {
    return this.areTopicsThere && this.topicConsumers.every((consumer) => consumer.hasJoined);
  }

  isDraining(): boolean {
    return this.closing !== null;
  }

  dispatchOverdueMs(): number {
    return this.dispatcher.overdueMs();
  }

  isCircuitOpen(): boolean {
    return this.dispatcher.isCircuitOpen;
  }

  isCredentialRefused(): boolean {
    return this.dispatcher.isCredentialRefused;
  }

  haltedBy(): readonly string[] {
    return this.deps.halts.current;
  }

  private async drain(): Promise<void> {
    this.deps.halts.set('draining', true);
    await Promise.all([this.dispatcher.drain(), this.intake.drain()]);
    await Promise.all(this.topicConsumers.map((consumer) => consumer.flush()));
    await Promise.all(this.topicConsumers.map((consumer) => consumer.stop()));
    await Promise.all([this.admin.disconnect(), ...this.deps.publishers.map((publisher) => publisher.stop())]);
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
    const { config, topics, publishers } = this.deps;
    this.handler = this.findHandler();
    await this.admin.connect();
    const { results, deadLetters } = topics;
    const commands = this.topicConsumers.map((consumer) => consumer.topic);
    const missing = await missingTopics(this.admin, { commands, results, deadLetters }, config.kafka.createTopics);
    if (missing.length > 0) {
      throw new StartError(
        `missing topics: ${missing.join(', ')}. Create them, or set CREATE_TOPICS=true in development.`,
      );
    }
    this.areTopicsThere = true;
    await Promise.all(publishers.map((publisher) => publisher.start()));
    for (const consumer of this.topicConsumers) consumer.start();
  }

  private findHandler(): Handler {
    const handler = this.getHandlerByPattern(SEND_MESSAGE);
    if (handler === null) throw new StartError(`no handler for ${SEND_MESSAGE}`);
    return handler as unknown as Handler;
  }

  /**
   * With interceptors Nest answers with an Observable, and with one that fails where the handler throws: a bug, after which
   * nobody knows whether the call was made.
   */
  private async call(command: Command): Promise<CallResult> {
    try {
      const result: unknown = await this.handler?.(command);
      return (isObservable(result) ? await firstValueFrom(result) : result) as CallResult;
    } catch (error) {
      this.deps.log('error', 'the handler of commands failed', { pattern: SEND_MESSAGE, error });
      return { kind: 'perhaps-sent', reason: 'reset', httpStatus: null, detail: 'internal error' };
    }
  }

  private die(topic: string): void {
    this.dead.add(topic);
    this.deps.log('error', 'consumer crashed too often, giving up', { topic });
    this.onDeath(topic);
  }

  private watchGauges(): void {
    const { dispatcher, budget, topicConsumers } = this;
    this.deps.telemetry.watch({
      inFlight: () => dispatcher.inFlight,
      waiting: () => dispatcher.waiting,
      circuitOpen: () => Number(dispatcher.isCircuitOpen),
      credentialRefused: () => Number(dispatcher.isCredentialRefused),
      heldCommands: () => budget.commands,
      heldBytes: () => budget.bytes,
      partitions: () => topicConsumers.flatMap((consumer) => [...consumer.gauges(performance.now())]),
    });
  }
}
