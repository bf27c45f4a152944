import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, CompressionTypes, IHeaders, Kafka, KafkaMessage, Producer } from 'kafkajs';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import type { Channel, Lane } from '../../src/contract/channels';
import type { Result } from '../../src/contract/outcome';
import { Topics } from '../../src/contract/topics';
import { patchProtocolDecoding } from '../../src/kafka/kafkajs-patches/protocol-decoding';
import { createTopics, deleteTopics } from '../../tools/kafka/topics.ts';
import { kafkaClient } from '../../tools/lib/kafka-client.ts';
import { partitionOf } from '../../tools/lib/producing.ts';
import { TopicReader } from '../../tools/lib/reading.ts';
import { serviceCommand } from '../../tools/lib/service-command.ts';
import { ServiceProcess } from '../../tools/lib/service-process.ts';
import { DEADLINE_MS, until } from '../deadline.ts';

const ROOT = resolve(__dirname, '../..');

/** Options of a spec's bed. All are optional. */
export interface TestBedOptions {
  /** Default: the Kafka that all integration specs share. */
  readonly brokers?: readonly string[];
  /** The channels of the service, with both lanes; default whatsapp. */
  readonly channels?: readonly Channel[];
  /** Number of partitions of each command topic; default 2. Results and dead letters have one each. */
  readonly partitions?: number;
  /** Configuration of the topics, such as `max.message.bytes`. */
  readonly topicConfigs?: Readonly<Partial<Record<'commands' | 'results' | 'deadLetters', Record<string, string>>>>;
  /** `RETRY_TOPIC_DELAYS`, whose topics are created; default none. */
  readonly retryDelays?: string;
  /** Behaviour of the sandbox. By default it records every call. */
  readonly sandbox?: Partial<Behaviour>;
  /** Settings of the service in addition to those that connect it to the bed. The default log level is debug. */
  readonly settings?: Readonly<Record<string, string>>;
  /** If false, the spec calls `startService` itself. */
  readonly service?: boolean;
}

/** A record to produce. An object is written as JSON. */
export interface Command {
  readonly value: object | string | Buffer | null;
  readonly key?: string | Buffer | null;
  readonly headers?: IHeaders;
  /** Default: chosen by the key; 0 without a key. */
  readonly partition?: number;
  /** Default: the first channel of the bed. */
  readonly channel?: Channel;
  readonly lane?: Lane;
}

/** The place of a written record. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** One place for each record, in the same order. */
export type PlacesOf<T extends readonly Command[]> = { -readonly [K in keyof T]: Place };

/** A record that the service wrote, with headers as text. */
export interface Written {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

export interface WrittenResult extends Written {
  readonly result: Result;
}

// The records read here have the headers of hostile commands.
patchProtocolDecoding();

/** All beds that still run. If a spec forgets one, it is stopped after the spec. */
const running = new Set<TestBed>();

afterAll(async () => {
  const stopped = await Promise.allSettled([...running].map((bed) => bed.stop()));
  const faults = stopped.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  if (faults.length > 0) throw faults.length === 1 ? faults[0] : new AggregateError(faults);
});

/**
 * Topics and a consumer group of one spec on a real Kafka, a sandbox in this process, and the built service as a
 * process of its own. It is stopped after the spec, or by `stop`. The spec fails if the service does not drain and exit
 * 0.
 */
export class TestBed implements AsyncDisposable {
  readonly #options: TestBedOptions;
  readonly #readers: TopicReader[] = [];
  readonly #results: WrittenResult[] = [];
  readonly #deadLetters: Written[] = [];
  readonly #output: string[] = [];
  readonly #running = new Set<ServiceProcess>();
  #service: ServiceProcess | null = null;
  #stopped: Promise<void> | null = null;
  readonly prefix: string;
  readonly group: string;
  readonly topics: Topics;
  readonly brokers: readonly string[];
  readonly channels: readonly Channel[];
  readonly partitions: number;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly sandbox: Sandbox;

  private constructor(options: TestBedOptions, sandbox: Sandbox) {
    this.#options = options;
    this.sandbox = sandbox;
    const run = `t${randomBytes(4).toString('hex')}`;
    this.prefix = `${run}.`;
    this.group = run;
    this.topics = new Topics(this.prefix);
    this.brokers = options.brokers ?? (process.env['SHARED_KAFKA'] ?? '').split(',');
    this.channels = options.channels ?? ['whatsapp'];
    this.partitions = options.partitions ?? 2;
    this.kafka = kafkaClient(this.brokers);
    this.admin = this.kafka.admin();
    this.producer = this.kafka.producer({ allowAutoTopicCreation: false });
  }

  /** Resolves when the service is ready, unless it must not be started. */
  static async start(options: TestBedOptions = {}): Promise<TestBed> {
    const sandbox = await startSandbox({ behaviour: { recordCalls: true, ...options.sandbox } });
    const bed = new TestBed(options, sandbox);
    running.add(bed);
    await bed.#prepare();
    if (options.service !== false) await bed.startService();
    return bed;
  }

  /** The service that was started last. */
  get service(): ServiceProcess {
    if (this.#service === null) throw new Error('no service was started');
    return this.#service;
  }

  /** The output of all services of this bed. */
  get output(): string {
    return this.#output.join('\n');
  }

  get seenResults(): readonly WrittenResult[] {
    return this.#results;
  }

  get seenDeadLetters(): readonly Written[] {
    return this.#deadLetters;
  }

  /**
   * The settings of a service in this bed. Those of the call win over those of the bed, which win over the usual ones.
   */
  settings(own: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      KAFKA_BROKERS: this.brokers.join(','),
      KAFKA_GROUP_ID: this.group,
      TOPIC_PREFIX: this.prefix,
      CHANNELS: this.channels.join(','),
      MESSAGES_API_URL: this.sandbox.url,
      MESSAGES_API_KEY: 'sandbox-key',
      LOG_LEVEL: 'debug',
      RETRY_TOPIC_DELAYS: this.#options.retryDelays ?? '',
      ...this.#options.settings,
      ...own,
    };
  }

  /** Starts one more service. From then on `service` returns this one. */
  async startService(own: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    const onLine = (line: string): void => void this.#output.push(line);
    const plan = { root: ROOT, ...serviceCommand(ROOT), settings: this.settings(own), onLine };
    const service = await ServiceProcess.start(plan, AbortSignal.timeout(DEADLINE_MS));
    this.#service = service;
    this.#running.add(service);
    return service;
  }

  /**
   * Sends SIGTERM to the given service, by default the last one; resolves to its exit code. Rejects if it does not end
   * in time.
   */
  async stopService(service: ServiceProcess = this.service): Promise<number> {
    this.#running.delete(service);
    service.child.signal('SIGTERM');
    const code = await Promise.race([service.child.exited, sleep(DEADLINE_MS, null, { ref: false })]);
    if (code !== null) {
      if (service.child.tail.includes('left open')) throw new Error(`the service leaks:\n${service.child.tail}`);
      return code;
    }
    service.child.signal('SIGKILL');
    throw new Error(`the service was still running ${DEADLINE_MS} ms after SIGTERM:\n${service.child.tail}`);
  }

  /** Sends SIGKILL; resolves when the process has ended. */
  async killService(service: ServiceProcess = this.service): Promise<void> {
    this.#running.delete(service);
    service.child.signal('SIGKILL');
    await service.child.exited;
  }

  commandTopic(channel: Channel = this.channels[0] ?? 'whatsapp', lane: Lane = 'transactional'): string {
    return this.topics.command(channel, lane);
  }

  /** Writes the records in order, with one request for all topics; returns the place of each. */
  produce<const T extends readonly Command[]>(commands: T, compression?: CompressionTypes): Promise<PlacesOf<T>> {
    return this.produceWith(this.producer, commands, compression);
  }

  /** Like `produce`, with another producer or in a transaction. */
  async produceWith<const T extends readonly Command[]>(
    producer: Pick<Producer, 'sendBatch'>,
    commands: T,
    compression?: CompressionTypes,
  ): Promise<PlacesOf<T>> {
    const records = commands.map((command) => ({
      topic: this.commandTopic(command.channel, command.lane),
      partition: command.partition ?? partitionOf(String(command.key ?? '')) % this.partitions,
      message: { key: command.key ?? null, value: toBytes(command.value), headers: command.headers ?? {} },
    }));
    const answers = await producer.sendBatch({
      acks: -1,
      ...(compression !== undefined && { compression }),
      topicMessages: [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
        topic,
        messages: ofTopic.map(({ partition, message }) => ({ partition, ...message })),
      })),
    });
    const next = new Map(
      answers.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, BigInt(baseOffset ?? 0)]),
    );
    const places = records.map(({ topic, partition }): Place => {
      const offset = next.get(`${topic}/${partition}`) ?? 0n;
      next.set(`${topic}/${partition}`, offset + 1n);
      return { topic, partition, offset: String(offset) };
    });
    return places as PlacesOf<T>;
  }

  /**
   * The first `count` results or more. If they do not come, or the service ends, it rejects and says what was seen
   * instead.
   */
  async results(count: number): Promise<readonly WrittenResult[]> {
    await this.until(() => this.#results.length >= count, `${count} results`);
    return this.#results;
  }

  async deadLetters(count: number): Promise<readonly Written[]> {
    await this.until(() => this.#deadLetters.length >= count, `${count} dead letters`);
    return this.#deadLetters;
  }

  /** The result of the record at this place. */
  async resultOf(place: Place): Promise<WrittenResult> {
    return this.#find(this.#results, ({ result }) => isSame(result.source, place), `the result of ${spell(place)}`);
  }

  /** The dead letter of the record at this place. */
  async deadLetterOf(place: Place): Promise<Written> {
    return this.#find(
      this.#deadLetters,
      ({ headers }) => isSame(originOf(headers), place),
      `the dead letter of ${spell(place)}`,
    );
  }

  /** Whether the record at this place has a dead letter by now. */
  hasDeadLetter(place: Place): boolean {
    return this.#deadLetters.some(({ headers }) => isSame(originOf(headers), place));
  }

  /** The group's committed offset of each partition; -1 for none. */
  async committed(topic: string = this.commandTopic()): Promise<number[]> {
    const [answer] = await this.admin.fetchOffsets({ groupId: `${this.group}.${topic}`, topics: [topic] });
    const partitions = [...(answer?.partitions ?? [])].sort((a, b) => a.partition - b.partition);
    return partitions.map(({ offset }) => Number(offset));
  }

  /** Resolves when everything written to a command topic is committed. */
  async untilCommitted(topic: string = this.commandTopic()): Promise<void> {
    const ends = [...(await this.admin.fetchTopicOffsets(topic))].sort((a, b) => a.partition - b.partition);
    await this.until(
      async () => {
        const committed = await this.committed(topic);
        return ends.every(({ high }, index) => Number(high) === 0 || committed[index] === Number(high));
      },
      `all of ${topic} is committed: ${ends.map(({ high }) => high).join()}`,
    );
  }

  /**
   * Resolves when the condition holds. If it does not in time, or the service ends, it rejects and says what was seen.
   */
  async until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const service = this.#service;
    let code: number | null = null;
    void service?.child.exited.then((exitCode) => (code = exitCode));
    const hasEnded = (): boolean => code !== null && this.#running.has(service as ServiceProcess);
    await until(async () => (await holds()) || hasEnded(), what).catch((error: unknown) => {
      throw new Error(`${messageOf(error)}\n${this.#seen()}`, { cause: error });
    });
    if (hasEnded() && !(await holds())) {
      throw new Error(`${what}: the service ended with code ${String(code)}\n${this.#seen()}`);
    }
  }

  /** Stops everything and removes the topics. May be called again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #prepare(): Promise<void> {
    const { commands, results, deadLetters } = this.#options.topicConfigs ?? {};
    await createTopics(this.brokers, [
      ...this.topics
        .commands(this.channels)
        .map(({ topic }) => ({ topic, partitions: this.partitions, configs: commands ?? {} })),
      ...this.#retryTopics().map((topic) => ({ topic, configs: commands ?? {} })),
      { topic: this.topics.results, configs: results ?? {} },
      { topic: this.topics.deadLetters, configs: deadLetters ?? {} },
    ]);
    await Promise.all([this.admin.connect(), this.producer.connect()]);
    const readers = [
      TopicReader.start(this.kafka, this.topics.results, (message) => this.#results.push(toResult(message))),
      TopicReader.start(this.kafka, this.topics.deadLetters, (message) => this.#deadLetters.push(toWritten(message))),
    ];
    this.#readers.push(...(await Promise.all(readers)));
  }

  #retryTopics(): string[] {
    const delays = (this.#options.retryDelays ?? '').split(',').filter(Boolean);
    return this.channels.flatMap((channel) => delays.map((delay) => this.topics.retry(channel, delay)));
  }

  async #stop(): Promise<void> {
    running.delete(this);
    const services = [...this.#running];
    const stopped = await Promise.allSettled(services.map((service) => this.stopService(service)));
    await Promise.all(this.#readers.map((reader) => reader[Symbol.asyncDispose]()));
    await this.sandbox.stop();
    const { results, deadLetters } = this.topics;
    const commands = this.topics.commands(this.channels).map(({ topic }) => topic);
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
    await deleteTopics(this.brokers, [...commands, ...this.#retryTopics(), results, deadLetters]);
    for (const each of stopped) {
      if (each.status === 'rejected') throw each.reason;
      if (each.value !== 0) throw new Error(`the service exited with ${each.value}\n${this.#seen()}`);
    }
  }

  async #find<T>(list: readonly T[], isIt: (item: T) => boolean, what: string): Promise<T> {
    let found: T | undefined;
    await this.until(() => (found = list.find(isIt)) !== undefined, what);
    return found as T;
  }

  #seen(): string {
    const outcomes = Object.entries(Object.groupBy(this.#results, ({ result }) => result.outcome));
    const counted = outcomes.map(([outcome, list]) => `${list.length} ${outcome}`).join(', ');
    const report = JSON.stringify(this.sandbox.report());
    const said = this.#output.slice(-20).join('\n');
    return `results: ${counted || 'none'}; dead letters: ${this.#deadLetters.length}; sandbox: ${report}\n${said}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isSame(a: Place, b: Place): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.offset === b.offset;
}

function originOf(headers: Readonly<Record<string, string>>): Place {
  return {
    topic: headers['kafka_dlt-original-topic'] ?? '',
    partition: Number(headers['kafka_dlt-original-partition']),
    offset: headers['kafka_dlt-original-offset'] ?? '',
  };
}

function spell({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}

function toBytes(value: Command['value']): Buffer | string | null {
  if (value === null || typeof value === 'string' || Buffer.isBuffer(value)) return value;
  return JSON.stringify(value);
}

function toResult(message: KafkaMessage): WrittenResult {
  const written = toWritten(message);
  return { ...written, result: JSON.parse(String(written.value)) as Result };
}

function toWritten({ key, value, headers, timestamp }: KafkaMessage): Written {
  const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, String([header].flat().at(-1))] as const);
  return { key: key?.toString() ?? null, value, headers: Object.fromEntries(texts), timestampMs: Number(timestamp) };
}
