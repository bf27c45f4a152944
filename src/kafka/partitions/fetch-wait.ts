/**
 * While every partition is read: the broker answers as soon as there is something, so this only paces an idle consumer. Heartbeats wait
 * for it, and so does the news that the group rebalances.
 */
const IDLE_MS = 500;
/** While some partition is paused: how late its resumption may be noticed, at the cost of so many more fetches. */
const PAUSED_MS = 100;
/** While a new assignment is being opened. */
const OPENING_MS = 10;

export type Pace = 'idle' | 'paused' | 'opening';

const WAIT_MS: Readonly<Record<Pace, number>> = { idle: IDLE_MS, paused: PAUSED_MS, opening: OPENING_MS };

/**
 * How long one fetch of a consumer may wait for records. kafkajs takes this once, when the consumer is made, yet resumes a
 * paused partition only at the next fetch: with a fixed value either an idle consumer is busy or a resumed one is late. It
 * uses the value in arithmetic alone, so an object with `valueOf` is read anew at each fetch (kafkajs 2.2.4,
 * consumerGroup.js: `sleep(this.maxWaitTime)` and the encoder of the fetch request).
 */
export class FetchWait {
  pace: Pace = 'idle';

  valueOf(): number {
    return WAIT_MS[this.pace];
  }

  /** As the number that kafkajs' types ask for. */
  asMilliseconds(): number {
    return this as unknown as number;
  }
}
