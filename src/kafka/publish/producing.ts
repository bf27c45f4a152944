import type { Message, ProducerConfig } from 'kafkajs';
import type { Publication } from '../../settlement/publisher';
import { partitioner } from './partitioner';

/** Settings of every producer of the service. */
export const PRODUCER: ProducerConfig = {
  allowAutoTopicCreation: false,
  // The caller retries. A retry by kafkajs itself would hide that Kafka takes no results. It would also leave out
  // records whose partition has moved to a broker that has already answered.
  retry: { retries: 0, initialRetryTime: 100 },
  createPartitioner: partitioner,
};

/** A record for one request. Once kafkajs has built the request, the message names its partition. */
export interface Outgoing {
  readonly topic: string;
  readonly message: Message;
}

export function outgoing({ topic, key, value, headers, partition }: Publication): Outgoing {
  return { topic, message: { key, value, headers, ...(partition === undefined ? {} : { partition }) } };
}

/** Groups records by topic, as kafkajs' `sendBatch` wants them. */
export function byTopic(records: readonly Outgoing[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, message } of records) {
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages }));
}
