import type { Config } from '../../config/config';
import type { Channel } from '../../contract/channels';
import { dueAtMs } from '../../contract/retry-headers';
import type { Topics } from '../../contract/topics';
import type { DueAt } from '../partitions/assigned-partition';

/** What a consumer reads. */
export interface Reading {
  /** What operators know it by. */
  readonly name: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** From when on a record may be sent. Due times rise within a partition. */
  readonly due: DueAt;
}

/** A command topic, in a group of its own: one that stalls holds up no other. */
export function commandReading({ kafka }: Config, topic: string): Reading {
  return { name: topic, groupId: `${kafka.groupId}.${topic}`, topics: [topic], due: () => null };
}

/** The retry topics of each channel, all delays of a channel in one group; none where there are no rounds. */
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
