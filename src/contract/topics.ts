import { LANES, type Channel, type Lane } from './channels';

/** One of the topics that commands are read from. */
export interface CommandTopic {
  readonly topic: string;
  readonly channel: Channel;
  readonly lane: Lane;
}

const LANE_SUFFIX: Readonly<Record<Lane, string>> = { transactional: '', bulk: '.bulk' };

/** What Kafka takes as a topic's name: `org.apache.kafka.common.internals.Topic`. */
const LEGAL_TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/** Whether Kafka could have a topic of this name. */
export function isLegalTopic(topic: string): boolean {
  return LEGAL_TOPIC.test(topic) && topic !== '.' && topic !== '..';
}

/** The names of all topics under one `TOPIC_PREFIX`. */
export class Topics {
  readonly results: string;
  readonly deadLetters: string;

  constructor(private readonly prefix: string) {
    this.results = `${prefix}results`;
    this.deadLetters = `${prefix}dead-letters`;
  }

  command(channel: Channel, lane: Lane): string {
    return `${this.prefix}commands.${channel}${LANE_SUFFIX[lane]}`;
  }

  /** The command topics of some channels, each channel's transactional one first. */
  commands(channels: readonly Channel[]): readonly CommandTopic[] {
    return channels.flatMap((channel) => LANES.map((lane) => ({ topic: this.command(channel, lane), channel, lane })));
  }

  /** A channel's retry topic for a delay such as `1m`. */
  retry(channel: Channel, delay: string): string {
    return `${this.retries(channel)}.${delay}`;
  }

  /** What all retry topics of a channel begin with, and their consumer group ends with. */
  retries(channel: Channel): string {
    return `${this.prefix}retries.${channel}`;
  }

  /** Whether a topic lies under the prefix: such a one is no place for replies. With an empty prefix that is every topic. */
  includes(topic: string): boolean {
    return topic.startsWith(this.prefix);
  }
}
