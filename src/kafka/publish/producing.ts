import type { Message, ProducerConfig } from 'kafkajs';
import type { Publication } from '../../settlement/publisher';
import { partitioner } from './partitioner';

/** Of every producer of the service. */
export const PRODUCER: ProducerConfig = {
  allowAutoTopicCreation: false,
  // The repetition is ours: one that kafkajs does by itself hides that Kafka takes no results, and leaves out what by then has
  // moved to a broker that had answered already.
  retry: { retries: 0, initialRetryTime: 100 },
  createPartitioner: partitioner,
};

/** A record for one request. Once that is put together, the message names the partition it went to. */
export interface Outgoing {
  readonly topic: string;
  readonly message: Message;
}

export function outgoing({ topic, key, value, headers, partition }: Publication): Outgoing {
  return { topic, message: { key, value, headers, ...(partition === undefined ? {} : { partition }) } };
}

/** Records as kafkajs takes a batch of them. */
export function byTopic(records: readonly Outgoing[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, message } of records) {
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
