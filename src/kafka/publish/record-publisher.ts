import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { headerBytes } from '../../contract/headers';
import type { Draft, Publication, Published, Publisher } from '../../settlement/publisher';
import type { Telemetry } from '../../observability/telemetry';
import { describe, isOfType, TOO_LARGE } from '../client/errors';
import { RecurringFault } from '../client/recurring-fault';
import { type Cluster, connectToLeaders } from '../kafkajs-patches/internal-cluster';
import type { Log } from '../../observability/log';
import { placeName, takenDespite } from '../kafkajs-patches/produce-answers';
import { byTopic, type Outgoing, outgoing } from './producing';

/** Batches are small, since kafkajs never splits a batch, and a broker refuses it as a whole. */
const MAX_BATCH_BYTES = 512 * 1024;
/**
 * A request costs as much CPU as some forty records. So under load the next batch waits this long after the one before.
 * With the commit that is well within 50 ms, the time in which a crash may repeat finished commands.
 */
const BATCHES_APART_MS = 25;
/** A batch of so many records means load. */
const LOAD_RECORDS = 4;
/** Upper estimate of the bytes of a record beside key, value and headers. */
const RECORD_OVERHEAD_BYTES = 100;
/** The start waits no longer than this for a leader that is away. */
const LEADERS_WITHIN_MS = 2_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1_000;

/** A draft whose record was built. */
interface Ready {
  readonly draft: Draft;
  readonly record: Publication;
  readonly bytes: number;
}

interface Sent extends Outgoing {
  readonly ready: Ready;
}

/** The part of a request that Kafka did not take. */
interface Refused {
  /** The records that are not acknowledged. */
  readonly open: readonly Ready[];
  /** Whether the size of a record is the reason. */
  readonly isTooLarge: boolean;
}

const NOTHING_REFUSED: Refused = { open: [], isTooLarge: false };

type WritingProducer = Pick<Producer, 'connect' | 'sendBatch' | 'disconnect'>;

export interface PublisherDeps {
  /** A producer of this publisher's own, with the cluster that it writes through. */
  readonly newProducer: () => { readonly producer: WritingProducer; readonly cluster: Cluster };
  /** Topics whose first records must not wait for a connection. */
  readonly urgentTopics: readonly string[];
  readonly timeoutMs: number;
  /** So many waiting records are sent at once, however soon after the last batch. */
  readonly atOnce: number;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/**
 * Publishes records in batches, one batch in flight at a time. The next batch is all records that gathered meanwhile; a
 * lone record does not wait. Records that fail are sent again until Kafka takes them. A record that is too large for
 * the broker is reported as `too-large`.
 */
export class RecordPublisher implements Publisher {
  private producer: WritingProducer | null = null;
  private connecting: Promise<WritingProducer> | null = null;
  private queue: Draft[] = [];
  private running: Promise<void> | null = null;
  private readonly fault = new RecurringFault(() => performance.now());
  private blockedTopics: readonly string[] = [];
  /** Ends the wait between two batches. */
  private hurry: () => void = () => undefined;
  private lastBatchAtMs = -Infinity;
  private lastBatchRecords = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly deps: PublisherDeps) {}

  /** The topics whose records Kafka does not take at the moment. */
  get unwritable(): readonly string[] {
    return this.blockedTopics;
  }

  /** Connects at once, where the first record would else do it. */
  async start(): Promise<void> {
    await this.connected();
  }

  write(draft: Draft): void {
    if (this.queue.push(draft) === this.deps.atOnce) this.hurry();
    this.running ??= this.run();
  }

  publish(record: Publication): Promise<Published> {
    return new Promise((published) => this.write({ toRecord: () => record, published }));
  }

  /** Connects early: until the first results are acknowledged, a crash would repeat all that this process has sent. */
  private async reachLeaders(cluster: Cluster): Promise<void> {
    const { urgentTopics, log } = this.deps;
    const reached = new AbortController();
    const reaching = Promise.all(urgentTopics.map((topic) => connectToLeaders(cluster, topic)))
      .catch((error: unknown) => log('debug', 'not all leaders are reached yet', { error: describe(error) }))
      .finally(() => reached.abort());
    const signal = AbortSignal.any([reached.signal, this.stopping.signal]);
    await Promise.race([reaching, sleep(LEADERS_WITHIN_MS, undefined, { signal }).catch(() => undefined)]);
  }

  /** Ends all retries. Records that are not acknowledged by then never will be. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.connecting?.catch(() => undefined);
    await this.producer?.disconnect();
    this.producer = null;
  }

  private async connected(): Promise<WritingProducer> {
    if (this.producer !== null) return this.producer;
    this.connecting = this.connect();
    try {
      return await this.connecting;
    } finally {
      this.connecting = null;
    }
  }

  private async connect(): Promise<WritingProducer> {
    const { producer, cluster } = this.deps.newProducer();
    await producer.connect();
    this.producer = producer;
    await this.reachLeaders(cluster);
    return producer;
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

  /** Waits at least for one turn of the event loop, so that records of one turn go out together. */
  private async untilNextBatch(): Promise<void> {
    const apartMs = this.lastBatchRecords >= LOAD_RECORDS ? BATCHES_APART_MS : 0;
    const waitMs = this.lastBatchAtMs + apartMs - performance.now();
    if (waitMs <= 0 || this.queue.length >= this.deps.atOnce) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.hurry = () => {
        clearTimeout(timer);
        setImmediate(resolve);
      };
    });
    this.hurry = () => undefined;
  }

  /** As many records as fit a batch. A record that is larger than a batch goes alone. */
  private takeBatch(): Ready[] {
    const batch: Ready[] = [];
    let bytes = 0;
    for (const draft of this.queue) {
      const next = readyOf(draft);
      bytes += next.bytes;
      if (batch.length > 0 && bytes > MAX_BATCH_BYTES) break;
      batch.push(next);
    }
    this.queue.splice(0, batch.length);
    return batch;
  }

  private async sendAll(batch: readonly Ready[]): Promise<void> {
    let retryMs = RETRY_MIN_MS;
    let open = batch;
    while (!this.stopping.signal.aborted) {
      const refused = await this.send(open);
      open = refused.open;
      const [first] = open;
      if (first === undefined) {
        this.works();
        return;
      }
      if (refused.isTooLarge && open.length === 1) {
        this.works();
        first.draft.published('too-large');
        return;
      }
      if (refused.isTooLarge) {
        for (const ready of open) await this.sendAll([ready]);
        return;
      }
      await new Promise<void>((resolve) => setTimeout(resolve, retryMs));
      retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
    }
  }

  /** Sends one batch. Tells the drafts whose records Kafka has taken, and returns the others. */
  private async send(batch: readonly Ready[]): Promise<Refused> {
    const { telemetry, timeoutMs, log } = this.deps;
    const sent = batch.map((ready) => ({ ready, ...outgoing(ready.record) }));
    const startedMs = performance.now();
    try {
      const producer = await this.connected();
      await producer.sendBatch({ acks: -1, timeout: timeoutMs, topicMessages: byTopic(sent) });
    } catch (error) {
      const taken = takenDespite(error);
      const isTaken = ({ topic, message }: Sent): boolean => taken.has(placeName(topic, message.partition));
      this.acknowledge(sent.filter(isTaken), startedMs);
      const open = sent.filter((each) => !isTaken(each));
      const isTooLarge = isOfType(error, TOO_LARGE);
      if (!isTooLarge) {
        this.blockedTopics = byTopic(open).map(({ topic }) => topic);
        for (const topic of this.blockedTopics) telemetry.publishFailed(topic);
        if (this.fault.happened()) {
          log('warn', 'publishing failed, to be repeated', { topic: open[0]?.topic, error: describe(error) });
        }
      }
      return { open: open.map(({ ready }) => ready), isTooLarge };
    }
    this.acknowledge(sent, startedMs);
    return NOTHING_REFUSED;
  }

  private acknowledge(sent: readonly Sent[], startedMs: number): void {
    const durationMs = performance.now() - startedMs;
    for (const { topic, messages } of byTopic(sent)) this.deps.telemetry.published(topic, messages.length, durationMs);
    for (const { ready } of sent) ready.draft.published('acknowledged');
  }

  private works(): void {
    if (!this.fault.ended()) return;
    this.deps.log('info', 'publishing works again', { topics: this.blockedTopics });
    this.blockedTopics = [];
  }
}

function readyOf(draft: Draft): Ready {
  const record = draft.toRecord();
  return { draft, record, bytes: sizeOf(record) };
}

function sizeOf({ key, value, headers }: Publication): number {
  const valueBytes = value === null ? 0 : Buffer.byteLength(value);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + valueBytes + headerBytes(headers);
}
