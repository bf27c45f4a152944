import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka, KafkaJSProtocolError, type Message, type Producer, type ProducerConfig } from 'kafkajs';
import { headerBytes } from '../contract/headers';
import type { BestEffortPublisher, Draft, Publication, Published, Publisher } from '../settlement/publisher';
import type { Telemetry } from '../observability/telemetry';
import type { KafkaLog } from './kafka-client';
import { type Cluster, connectToLeaders, createProducerWithCluster } from './internal-cluster';
import { partitioner } from './partitioner';

/** kafkajs never splits what it is given, and a broker refuses a batch as a whole: so batches stay small. */
const MAX_BATCH_BYTES = 512 * 1024;
/**
 * A request costs as much CPU as some forty records. Under load, which a batch of a few records shows, the next one starts
 * this much later: together with the commit well within the 50 ms in which a crash may repeat what had finished.
 */
const BATCHES_APART_MS = 25;
const LOAD_RECORDS = 4;
/** Bytes that a record costs beside key and value, generously. */
const RECORD_OVERHEAD_BYTES = 100;
/** A leader that is away does not hold up the start for longer. */
const LEADERS_WITHIN_MS = 2_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;
/** Commands that ask for replies to missing topics, however many, cost one new connection in this time. */
const RENEW_APART_MS = 200;

const PRODUCER: ProducerConfig = {
  allowAutoTopicCreation: false,
  // The repetition is ours: one that kafkajs does by itself hides that Kafka takes no results, and leaves out what by then has
  // moved to a broker that had answered already.
  retry: { retries: 0, initialRetryTime: RETRY_MIN_MS },
  createPartitioner: partitioner,
};

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
const UNKNOWN_TOPIC: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION']);

/** A draft that has its record. */
interface Ready {
  readonly draft: Draft;
  readonly record: Publication;
  readonly bytes: number;
}

interface Deps {
  readonly kafka: Kafka;
  /** Topics whose first records are not to wait for a connection. */
  readonly urgentTopics: readonly string[];
  readonly timeoutMs: number;
  readonly telemetry: Telemetry;
  readonly log: KafkaLog;
  /** Kafka takes no records (true), or takes them again (false). */
  readonly onBlocked: (blocked: boolean) => void;
}

/**
 * Publishes records in batches, one in flight at a time: the next one is whatever gathered meanwhile, and a lone record waits
 * for nothing. A batch that fails is sent again until Kafka takes it; a record that is too large for the broker is given
 * back as such.
 */
export class RecordPublisher implements Publisher {
  private producer: Producer | null = null;
  private queue: Draft[] = [];
  /** The first of the queue, where it did not fit the last batch. */
  private ahead: Ready | null = null;
  private running: Promise<void> | null = null;
  private isBlocked = false;
  private lastBatchAtMs = -Infinity;
  private lastBatchRecords = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly deps: Deps) {}

  async start(): Promise<void> {
    if (this.producer !== null) return;
    const { producer, cluster } = createProducerWithCluster(this.deps.kafka, PRODUCER);
    this.producer = producer;
    await producer.connect();
    await this.reachLeaders(cluster);
  }

  write(draft: Draft): void {
    this.queue.push(draft);
    this.running ??= this.run();
  }

  publish(record: Publication): Promise<Published> {
    return new Promise((published) => this.write({ toRecord: () => record, published }));
  }

  /** Until its first results are acknowledged, a crash repeats whatever this process has sent: they wait for no connection. */
  private async reachLeaders(cluster: Cluster): Promise<void> {
    const { urgentTopics, log } = this.deps;
    const reached = new AbortController();
    const reaching = Promise.all(urgentTopics.map((topic) => connectToLeaders(cluster, topic)))
      .catch((error: unknown) => log('debug', 'not all leaders are reached yet', { error: nameOf(error) }))
      .finally(() => reached.abort());
    const signal = AbortSignal.any([reached.signal, this.stopping.signal]);
    await Promise.race([reaching, sleep(LEADERS_WITHIN_MS, undefined, { signal }).catch(() => undefined)]);
  }

  /** Ends the attempts; what is not acknowledged by then stays unacknowledged for ever. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.producer?.disconnect();
    this.producer = null;
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0 && !this.stopping.signal.aborted) {
      await this.untilNextBatch();
      const batch = this.takeBatch();
      this.lastBatchAtMs = performance.now();
      this.lastBatchRecords = batch.length;
      await this.sendAll(batch);
    }
    this.running = null;
  }

  /** What is settled within one turn of the event loop goes out together, in any case. */
  private async untilNextBatch(): Promise<void> {
    const apartMs = this.lastBatchRecords >= LOAD_RECORDS ? BATCHES_APART_MS : 0;
    const waitMs = this.lastBatchAtMs + apartMs - performance.now();
    await new Promise<void>((resolve) => {
      if (waitMs > 0) setTimeout(resolve, waitMs);
      else setImmediate(resolve);
    });
  }

  /** As many records as fit a batch; a larger one goes alone. */
  private takeBatch(): Ready[] {
    const batch: Ready[] = [];
    let bytes = 0;
    for (const draft of this.queue) {
      const next: Ready = this.ahead ?? readyOf(draft);
      bytes += next.bytes;
      this.ahead = batch.length > 0 && bytes > MAX_BATCH_BYTES ? next : null;
      if (this.ahead !== null) break;
      batch.push(next);
    }
    this.queue.splice(0, batch.length);
    return batch;
  }

  private async sendAll(batch: readonly Ready[]): Promise<void> {
    let retryMs = RETRY_MIN_MS;
    while (!this.stopping.signal.aborted) {
      const refused = await this.send(batch);
      if (refused === 'acknowledged' || (refused === 'too-large' && batch.length === 1)) {
        this.block(false);
        for (const { draft } of batch) draft.published(refused);
        return;
      }
      if (refused === 'too-large') {
        for (const ready of batch) await this.sendAll([ready]);
        return;
      }
      this.block(true);
      await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
      retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    }
  }

  private async send(batch: readonly Ready[]): Promise<Published | 'failed'> {
    const { telemetry, timeoutMs, log } = this.deps;
    const topicMessages = byTopic(batch.map(({ record }) => record));
    const startedMs = performance.now();
    try {
      await this.producer?.sendBatch({ acks: -1, timeout: timeoutMs, topicMessages });
    } catch (error) {
      if (isOfType(error, TOO_LARGE)) return 'too-large';
      for (const { topic } of topicMessages) telemetry.publishFailed(topic);
      log('warn', 'publishing failed, to be repeated', { topic: topicMessages[0]?.topic, error: nameOf(error) });
      return 'failed';
    }
    const durationMs = performance.now() - startedMs;
    for (const { topic, messages } of topicMessages) telemetry.published(topic, messages.length, durationMs);
    return 'acknowledged';
  }

  private block(isBlocked: boolean): void {
    if (isBlocked === this.isBlocked) return;
    this.isBlocked = isBlocked;
    this.deps.onBlocked(isBlocked);
  }
}

/** Sends replies, each by itself: a missing reply topic must not keep others from theirs. */
export class ReplyPublisher implements BestEffortPublisher {
  private producer: Producer;
  /** Replies under way. A producer that is closed under one connects again for it, and stays connected. */
  private readonly sending = new Set<Promise<boolean>>();
  /** Resolves once the producers of before are closed. */
  private retired: Promise<void> = Promise.resolve();
  private renewal: Promise<void> | null = null;
  private renewedAtMs = -Infinity;
  private isStopped = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly log: KafkaLog,
  ) {
    this.producer = kafka.producer(PRODUCER);
  }

  start(): Promise<void> {
    return this.producer.connect();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all(this.sending);
    await this.renewal;
    await this.retired;
    await this.producer.disconnect();
  }

  tryPublish(record: Publication): Promise<boolean> {
    if (this.isStopped) return Promise.resolve(false);
    const sending = this.publish(record).finally(() => void this.sending.delete(sending));
    this.sending.add(sending);
    return sending;
  }

  /**
   * kafkajs asks for the metadata of all topics that a producer ever wrote to at once, which fails from when one of them is
   * deleted: no new reply topic would ever be found. So a reply that fails that way is tried again with a fresh producer.
   */
  private async publish(record: Publication): Promise<boolean> {
    const { producer } = this;
    try {
      await sendReply(producer, record);
      return true;
    } catch (error) {
      if (await this.isRenewed(producer, error)) {
        return sendReply(this.producer, record).then(
          () => true,
          (again: unknown) => this.giveUp(again),
        );
      }
      return this.giveUp(error);
    }
  }

  private giveUp(error: unknown): false {
    this.log('warn', 'a reply could not be sent', { error: nameOf(error) });
    return false;
  }

  private async isRenewed(failed: Producer, error: unknown): Promise<boolean> {
    if (this.isStopped || !isOfType(error, UNKNOWN_TOPIC)) return false;
    if (failed === this.producer && this.renewal === null) {
      this.renewal = this.renewInTurn().catch((fault: unknown) => void this.giveUp(fault));
      await this.renewal;
      this.renewal = null;
    }
    await this.renewal;
    return failed !== this.producer;
  }

  private async renewInTurn(): Promise<void> {
    const waitMs = this.renewedAtMs + RENEW_APART_MS - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (this.isStopped) return;
    this.renewedAtMs = performance.now();
    await this.renew();
  }

  private async renew(): Promise<void> {
    const fresh = this.kafka.producer(PRODUCER);
    await fresh.connect();
    const stale = this.producer;
    const underWay = [...this.sending];
    this.producer = fresh;
    // Those that wait for this renewal are among them, so nobody waits for what follows.
    this.retired = Promise.all([this.retired, ...underWay]).then(() => stale.disconnect());
  }
}

async function sendReply(producer: Producer, record: Publication): Promise<void> {
  const written = await producer.sendBatch({ acks: -1, topicMessages: byTopic([record]) });
  // kafkajs leaves out what is for a partition that it has not heard of, and resolves.
  if (written.length === 0) throw new Error('there is no such partition');
}

function byTopic(records: readonly Publication[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, key, value, headers, partition } of records) {
    const message: Message = { key, value, headers, ...(partition === undefined ? {} : { partition }) };
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}

function readyOf(draft: Draft): Ready {
  const record = draft.toRecord();
  return { draft, record, bytes: sizeOf(record) };
}

function sizeOf({ key, value, headers }: Publication): number {
  const valueBytes = value === null ? 0 : Buffer.byteLength(value);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + valueBytes + headerBytes(headers);
}

function isOfType(error: unknown, types: ReadonlySet<string>): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSProtocolError && types.has(cause.type)) return true;
  }
  return false;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
}
