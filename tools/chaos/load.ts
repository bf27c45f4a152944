import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import type { Channel, Lane } from '../../src/contract/channels.ts';
import { SAMPLE_OPERATIONS, keyOf } from '../lib/operations.ts';
import type { Recipient, SampleOperation } from '../lib/operations.ts';
import { percentile } from '../lib/percentiles.ts';
import { partitionOf } from '../lib/producing.ts';
import type { OutgoingRecord } from '../lib/producing.ts';

/** The delivery that the commands of one topic ask for; undefined for the service's default. */
type Delivery = 'at-least-once' | 'at-most-once' | undefined;

/** The commands that are produced while faults happen. */
export interface Load {
  /** Number of different commands. */
  readonly count: number;
  readonly perSecond: number;
  /** How often each command is produced: first all of them once, then all of them again. Default 1. */
  readonly copies?: number;
  /** By the name of a topic without its prefix. */
  readonly delivery?: Readonly<Record<string, Delivery>>;
}

/** The command topics, without the prefix: two channels, both lanes. Commands go to them in turn. */
export const LOADED_TOPICS: readonly { readonly name: string; readonly channel: Channel; readonly lane: Lane }[] = [
  { name: 'commands.whatsapp', channel: 'whatsapp', lane: 'transactional' },
  { name: 'commands.whatsapp.bulk', channel: 'whatsapp', lane: 'bulk' },
  { name: 'commands.messenger', channel: 'messenger', lane: 'transactional' },
];

/** The channels that the replicas serve. */
export const CHANNELS: readonly Channel[] = [...new Set(LOADED_TOPICS.map(({ channel }) => channel))];

const RECIPIENTS_PER_TOPIC = 160;
const FIRST_NUMBER = 4_915_100_000_000;
const TICK_MS = 200;

/**
 * Command `n`. Each topic has its own recipients, so that the API sees all commands of a key from one partition. The id
 * ends in a number that rises with every command of a recipient; the sandbox judges order by it.
 */
export function recordOf(prefix: string, n: number, delivery: Load['delivery'] = {}): OutgoingRecord {
  const index = n % LOADED_TOPICS.length;
  const topic = LOADED_TOPICS[index];
  if (topic === undefined) throw new RangeError(`no topic ${index}`);
  const recipient = recipientOf(topic.channel, index, Math.floor(n / LOADED_TOPICS.length) % RECIPIENTS_PER_TOPIC);
  const request = operationOf(topic.channel).request(recipient, 'w-1', `Your parcel ${n} arrives today.`);
  const value = { id: `chaos-${n}`, type: 'text', request, delivery: delivery[topic.name] };
  const key = keyOf(recipient);
  return { topic: prefix + topic.name, partition: partitionOf(key), key, value: JSON.stringify(value) };
}

function recipientOf(channel: Channel, topicIndex: number, index: number): Recipient {
  const number = topicIndex * RECIPIENTS_PER_TOPIC + index;
  return channel === 'whatsapp' ? { phoneNumber: `+${FIRST_NUMBER + number}` } : { contact: `contact-${number}` };
}

function operationOf(channel: Channel): SampleOperation {
  const operation = SAMPLE_OPERATIONS.find((each) => each.channel === channel && each.type === 'text');
  if (operation === undefined) throw new RangeError(`no texts on ${channel}`);
  return operation;
}

/** Produces at a steady pace. After a delay by brokers it catches up. */
export class LoadProducer {
  readonly #producer: Producer;
  readonly #prefix: string;
  readonly #load: Load;
  readonly #acknowledgedAfterMs: number[] = [];
  #next = 0;

  constructor(kafka: Kafka, prefix: string, load: Load) {
    // Idempotent and with many retries: a write that a killed broker leaves open must be in the topic exactly once in
    // the end.
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 240 },
    });
    this.#producer.on(this.#producer.events.REQUEST, ({ payload }) => {
      if (payload.apiName === 'Produce') this.#acknowledgedAfterMs.push(payload.duration);
    });
    this.#prefix = prefix;
    this.#load = load;
  }

  get produced(): number {
    return this.#next;
  }

  /** 99 of 100 acknowledgements so far took at most so many ms; NaN before the first one. */
  get acknowledgementMs(): number {
    return percentile(this.#acknowledgedAfterMs, 0.99);
  }

  /** Resolves when everything is produced; rejects with the signal's reason. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#producer.connect();
    try {
      const { count, perSecond, copies = 1 } = this.#load;
      const startedMs = performance.now();
      while (this.#next < count * copies) {
        await sleep(TICK_MS, undefined, { signal });
        const due = Math.min(count * copies, Math.floor(((performance.now() - startedMs) / 1000) * perSecond));
        // After a delay it produces at twice the pace, not all at once.
        const size = Math.min(due - this.#next, Math.ceil((2 * perSecond * TICK_MS) / 1000));
        if (size > 0) await this.#produce(size);
      }
    } finally {
      await this.#producer.disconnect();
    }
  }

  /**
   * One request per partition. Reason: a request of kafkajs 2.2.4 may need several brokers. If one of them fails and
   * another one has taken its part, kafkajs forgets partitions whose new leader is the latter.
   */
  async #produce(size: number): Promise<void> {
    const { count, delivery } = this.#load;
    const records = Array.from({ length: size }, (_, n) => recordOf(this.#prefix, (this.#next + n) % count, delivery));
    const timestamp = String(Date.now());
    const places = Map.groupBy(records, ({ topic, partition }) => `${topic}/${partition}`);
    const sent = [...places.values()].map((of) =>
      this.#producer.send({
        topic: of[0]?.topic ?? '',
        acks: -1,
        messages: of.map(({ partition, key, value }) => ({ partition, key, value, timestamp })),
      }),
    );
    const settled = await Promise.allSettled(sent);
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
    this.#next += size;
  }
}
