import type { Config } from '../../config/config';
import type { Channel } from '../../contract/channels';
import { dueAtMs } from '../../contract/retry-headers';
import type { Topics } from '../../contract/topics';
import type { DueAt } from '../partitions/assigned-partition';

/** The topics of one consumer, and its group. */
export interface Reading {
  /** The name that logs, metrics and probes show. */
  readonly name: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** When a record may be sent. Due times rise within a partition. */
  readonly due: DueAt;
}

/** One command topic. It has a group of its own, so that a topic that stalls does not hold up another one. */
export function commandReading({ kafka }: Config, topic: string): Reading {
  return { name: topic, groupId: `${kafka.groupId}.${topic}`, topics: [topic], due: () => null };
}

/** The retry topics of each channel: one group for all delays of a channel. Empty if no delays are configured. */
export function retryReadings(
  { kafka, dispatch }: Config,
  topics: Topics,
): { readonly channel: Channel; readonly reading: Reading }[] {
  const delays = dispatch.retryTopicDelays;
  if (delays.length === 0) return [];
  return kafka.channels.map((channel) => {
    const name = topics.retries(channel);
    const reading = {
      name,
      groupId: `${kafka.groupId}.${name}`,
      topics: delays.map((delay) => topics.retry(channel, delay.name)),
      due: (message: Parameters<Reading['due']>[0]) => dueAtMs(message.headers ?? {}),
    };
    return { channel, reading };
  });
}
