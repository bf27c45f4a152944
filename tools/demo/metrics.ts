import type { Channel } from '../../src/contract/channels.ts';

/** Figures of a channel that only the service knows. */
export interface ChannelMetrics {
  readonly retried: number;
  /** Commands that are not committed yet. */
  readonly lag: number;
}

const SAMPLE = /^(\w+)\{([^}]*)\} ([\d.e+-]+)$/i;

/** Retries and lag of a channel, from Prometheus' text format. Lag is the sum over partitions and lanes. */
export function channelMetrics(text: string, channel: Channel, topicPrefix: string): ChannelMetrics {
  const topics = new Set(['', '.bulk'].map((lane) => `${topicPrefix}commands.${channel}${lane}`));
  let retried = 0;
  let lag = 0;
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === 'messages_dispatcher_retries_total' && labelOf(labels, 'channel') === channel)
      retried += Number(value);
    if (name === 'messages_dispatcher_lag_messages' && topics.has(labelOf(labels, 'messaging_destination_name'))) {
      lag += Number(value);
    }
  }
  return { retried, lag };
}

function labelOf(labels: string, name: string): string {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
}
