import { randomBytes } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import type { Channel } from '../../src/contract/channels.ts';
import { createTopics, deleteTopics } from '../kafka/topics.ts';
import { kafkaClient } from './kafka-client.ts';
import { PARTITIONS } from './producing.ts';
import { uncommitted } from './reading.ts';
import { SandboxProcess } from './sandbox-process.ts';
import { serviceCommand } from './service-command.ts';
import type { ServicePlan } from './service-process.ts';

/** Variables of the service's environment. */
export type Settings = Readonly<Record<string, string>>;

/** What a bed is made for. */
export interface BedPlan {
  readonly root: string;
  readonly brokers: readonly string[];
  /** The names of all topics and groups start with it. */
  readonly name: string;
  /** Every service serves them, with both lanes. */
  readonly channels: readonly Channel[];
  /** `RETRY_TOPIC_DELAYS`; default none. */
  readonly retryDelays?: readonly string[];
  readonly behaviour?: Partial<Behaviour>;
  /** Settings of every service, in addition to those that connect it to the bed. */
  readonly settings?: Settings;
  /** Configuration of the results topic. */
  readonly resultsConfigs?: Readonly<Record<string, string>>;
  /** Somebody else creates the topics. */
  readonly withoutTopics?: boolean;
}

/**
 * Topics, consumer groups and a sandbox for one run. Services are started in it. Get one from {@link opened}; closing
 * it removes everything that was made for it.
 */
export class Bed implements AsyncDisposable {
  readonly root: string;
  readonly prefix: string;
  readonly brokers: readonly string[];
  readonly kafka: Kafka;
  readonly admin: Admin;
  /** Things that end with the bed, the last one first. */
  protected readonly cleanup = new AsyncDisposableStack();
  readonly #plan: BedPlan;
  #sandbox: SandboxProcess | null = null;

  constructor(plan: BedPlan) {
    this.#plan = plan;
    this.root = plan.root;
    this.prefix = `${plan.name}-${randomBytes(4).toString('hex')}.`;
    this.brokers = plan.brokers;
    this.kafka = kafkaClient(plan.brokers);
    // With many retries: brokers may be killed meanwhile.
    this.admin = this.kafka.admin({ retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 30 } });
  }

  get sandbox(): SandboxProcess {
    if (this.#sandbox === null) throw new Error('the bed is not open');
    return this.#sandbox;
  }

  /** The command topics of all channels and both lanes. */
  get commandTopics(): string[] {
    return this.#plan.channels.flatMap((channel) => [this.commandTopic(channel), `${this.commandTopic(channel)}.bulk`]);
  }

  get results(): string {
    return `${this.prefix}results`;
  }

  get topics(): string[] {
    const retries = this.#plan.channels.flatMap((channel) => this.retryTopics(channel));
    return [...this.commandTopics, ...retries, this.results, `${this.prefix}dead-letters`];
  }

  /** The command topic of the transactional lane. */
  commandTopic(channel: Channel): string {
    return `${this.prefix}commands.${channel}`;
  }

  retryTopics(channel: Channel): string[] {
    return (this.#plan.retryDelays ?? []).map((delay) => `${this.prefix}retries.${channel}.${delay}`);
  }

  /** The consumer group of a command topic, or of a channel's retries. */
  groupOf(topic: string): string {
    return `${this.prefix}g.${topic}`;
  }

  /** How many records of a topic the group has not committed, over all partitions. */
  uncommittedOf(topic: string, group: string = this.groupOf(topic)): Promise<number> {
    return uncommitted(this.admin, group, topic);
  }

  /** The environment of a service in this bed. Settings given here win over the plan's. */
  settings(more: Settings = {}): Settings {
    return {
      NODE_ENV: 'production',
      KAFKA_BROKERS: this.brokers.join(','),
      KAFKA_GROUP_ID: `${this.prefix}g`,
      TOPIC_PREFIX: this.prefix,
      CHANNELS: this.#plan.channels.join(','),
      MESSAGES_API_URL: this.sandbox.url,
      MESSAGES_API_KEY: 'sandbox-key',
      RETRY_TOPIC_DELAYS: (this.#plan.retryDelays ?? []).join(','),
      LOG_LEVEL: 'warn',
      ...this.#plan.settings,
      ...more,
    };
  }

  /** How to start the built service in this bed. */
  service(more: Settings = {}, nodeOptions: readonly string[] = []): ServicePlan {
    return { root: this.root, ...serviceCommand(this.root, nodeOptions), settings: this.settings(more) };
  }

  /** Starts the sandbox and creates the topics. */
  async open(signal: AbortSignal): Promise<void> {
    const { root, behaviour = {}, resultsConfigs = {}, withoutTopics = false } = this.#plan;
    // An existing Kafka may outlive this run for long, so the topics are deleted.
    this.cleanup.defer(() => deleteTopics(this.brokers, this.topics).catch(() => {}));
    this.cleanup.defer(() => this.admin.disconnect());
    await this.admin.connect();
    this.#sandbox = this.cleanup.use(await SandboxProcess.start(root, behaviour, signal));
    if (withoutTopics) return;
    const plans = this.topics.map((topic) => ({
      topic,
      partitions: PARTITIONS,
      ...(topic === this.results && { configs: resultsConfigs }),
    }));
    await createTopics(this.brokers, plans, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanup.disposeAsync();
  }
}

/** Opens the bed. If that fails, everything that exists by then is removed. */
export async function opened<T extends Bed>(bed: T, signal: AbortSignal): Promise<T> {
  try {
    await bed.open(signal);
    return bed;
  } catch (error) {
    await bed[Symbol.asyncDispose]();
    throw error;
  }
}
