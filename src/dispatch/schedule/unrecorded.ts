import type { Channel, Lane } from '../../contract/channels';
import type { CommandTopic } from '../../contract/topics';
import type { UnrecordedCount } from '../job-source';

/** One command topic's commands that are answered and not recorded, and whether there may be more. */
export interface UnrecordedTopic {
  readonly topic: string;
  readonly commands: number;
  /** Nothing more of the topic is sent until some are recorded. */
  readonly isFull: boolean;
}

/**
 * Counts, for each command topic, the commands that are answered and not recorded: whose result, dead letter, retry
 * record
 * or offset Kafka has not acknowledged. That is what a crash repeats beyond the calls on the wire, so it has a limit,
 * and
 * dispatch of a full topic waits. A command that came back from a retry topic counts for its own command topic.
 */
export class Unrecorded {
  private readonly counts: readonly Count[];
  private readonly byChannel: Partial<Record<Channel, Partial<Record<Lane, Count>>>> = {};

  /**
   * @param topics those that are served
   * @param limit of each topic
   * @param onRoom called when a full topic is full no longer; may be called within any report of what is recorded
   */
  constructor(topics: readonly CommandTopic[], limit: number, onRoom: () => void) {
    this.counts = topics.map(({ topic, channel, lane }) => {
      const count = new Count(topic, limit, onRoom);
      this.byChannel[channel] = { ...this.byChannel[channel], [lane]: count };
      return count;
    });
  }

  /** @throws Error for a topic that is not served: no command comes from it. */
  of(channel: Channel, lane: Lane): UnrecordedCount & UnrecordedTopic {
    const count = this.byChannel[channel]?.[lane];
    if (count === undefined) throw new Error(`the ${lane} lane of ${channel} is not served`);
    return count;
  }

  /** All topics, those with nothing unrecorded included. */
  all(): readonly UnrecordedTopic[] {
    return this.counts;
  }
}

class Count implements UnrecordedCount, UnrecordedTopic {
  commands = 0;

  constructor(
    readonly topic: string,
    private readonly limit: number,
    private readonly onRoom: () => void,
  ) {}

  get isFull(): boolean {
    return this.commands >= this.limit;
  }

  add(commands: number): void {
    this.commands += commands;
  }

  remove(commands: number): void {
    const wasFull = this.isFull;
    this.commands -= commands;
    if (wasFull && !this.isFull) this.onRoom();
  }
}
