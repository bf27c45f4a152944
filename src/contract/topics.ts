import { LANES, type Channel, type Lane } from './channels';

/** A command topic. */
export interface CommandTopic {
  readonly topic: string;
  readonly channel: Channel;
  readonly lane: Lane;
}

const LANE_SUFFIX: Readonly<Record<Lane, string>> = { transactional: '', bulk: '.bulk' };

/** The names that Kafka permits, from `org.apache.kafka.common.internals.Topic`. */
const LEGAL_TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/** Whether Kafka permits a topic of this name. */
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

  /** The command topics of some channels; of each channel, the transactional one first. */
  commands(channels: readonly Channel[]): readonly CommandTopic[] {
    return channels.flatMap((channel) => LANES.map((lane) => ({ topic: this.command(channel, lane), channel, lane })));
  }

  /** A channel's retry topic for a delay such as `1m`. */
  retry(channel: Channel, delay: string): string {
    return `${this.retries(channel)}.${delay}`;
  }

  /** The common start of the names of a channel's retry topics. The name of their consumer group ends in it. */
  retries(channel: Channel): string {
    return `${this.prefix}retries.${channel}`;
  }

  /** Whether a topic has the prefix. Replies must not go to such a topic. With an empty prefix, every topic has it. */
  includes(topic: string): boolean {
    return topic.startsWith(this.prefix);
  }
}
