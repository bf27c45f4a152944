import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import type { BestEffortPublisher, Publication } from '../../settlement/publisher';
import { describe, isOfType } from '../client/errors';
import type { Log } from '../../observability/log';
import { byTopic, outgoing, PRODUCER } from './producing';

/** At most one new connection in this time, however many commands ask for replies on missing topics. */
const RENEW_APART_MS = 200;
/** Replies on the wire at once, over all topics. Further ones are dropped. */
const MAX_SENDING = 256;
/** Part of these for one topic: a topic that takes no replies must not use up the room of the others. */
const MAX_SENDING_OF_TOPIC = MAX_SENDING / 2;
/** A reply that was not acknowledged by then is given up. */
const REPLY_WITHIN_MS = 10_000;
const UNKNOWN_TOPIC: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION']);

/** Sends each reply in its own request: a missing reply topic must not stop the replies on other topics. */
export class ReplyPublisher implements BestEffortPublisher {
  private producer: Producer;
  /** Replies under way. If a producer is closed before they end, it connects again and stays connected. */
  private readonly sending = new Set<Promise<boolean>>();
  /** How many of these go to each topic. */
  private readonly sendingOf = new Map<string, number>();
  /** Resolves once all earlier producers are closed. */
  private retired: Promise<void> = Promise.resolve();
  private renewal: Promise<void> | null = null;
  private renewedAtMs = -Infinity;
  private readonly stopping = new AbortController();

  constructor(
    private readonly kafka: Kafka,
    private readonly log: Log,
  ) {
    this.producer = kafka.producer(PRODUCER);
  }

  start(): Promise<void> {
    return this.producer.connect();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.sending);
    await this.renewal;
    await this.retired;
    await this.producer.disconnect();
  }

  tryPublish(record: Publication): Promise<boolean> {
    const { topic } = record;
    const ofTopic = this.sendingOf.get(topic) ?? 0;
    const isFull = this.sending.size >= MAX_SENDING || ofTopic >= MAX_SENDING_OF_TOPIC;
    if (isFull || this.stopping.signal.aborted) return Promise.resolve(false);
    this.sendingOf.set(topic, ofTopic + 1);
    const sending = this.publish(record).finally(() => {
      this.sending.delete(sending);
      this.ended(topic);
    });
    this.sending.add(sending);
    return sending;
  }

  /**
   * kafkajs asks for the metadata of all topics that a producer ever wrote to, in one request. Once one of them is
   * deleted, that request always fails, and no new reply topic is ever found. So a reply that fails in this way is
   * tried again with a fresh producer.
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

  private ended(topic: string): void {
    const left = (this.sendingOf.get(topic) ?? 1) - 1;
    if (left === 0) this.sendingOf.delete(topic);
    else this.sendingOf.set(topic, left);
  }

  private giveUp(error: unknown): false {
    this.log('warn', 'a reply could not be sent', { error: describe(error) });
    return false;
  }

  private async isRenewed(failed: Producer, error: unknown): Promise<boolean> {
    if (this.stopping.signal.aborted || !isOfType(error, UNKNOWN_TOPIC)) return false;
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
    const { signal } = this.stopping;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    this.renewedAtMs = performance.now();
    await this.renew();
  }

  private async renew(): Promise<void> {
    const fresh = this.kafka.producer(PRODUCER);
    await fresh.connect();
    const stale = this.producer;
    const underWay = [...this.sending];
    this.producer = fresh;
    // Not awaited: replies that wait for this renewal are among those under way.
    this.retired = Promise.all([this.retired, ...underWay]).then(() => stale.disconnect());
  }
}

async function sendReply(producer: Producer, record: Publication): Promise<void> {
  const { promise: deadline, reject } = Promise.withResolvers<never>();
  const late = new Error(`it was not acknowledged within ${REPLY_WITHIN_MS} ms`);
  const timer = setTimeout(() => reject(late), REPLY_WITHIN_MS);
  timer.unref();
  const topicMessages = byTopic([outgoing(record)]);
  try {
    const sent = producer.sendBatch({ acks: -1, timeout: REPLY_WITHIN_MS, topicMessages });
    const written = await Promise.race([sent, deadline]);
    // kafkajs silently drops a record for a partition that it does not know.
    if (written.length === 0) throw new Error('there is no such partition');
  } finally {
    clearTimeout(timer);
  }
}
