/**
 * While no partition is paused. The broker answers as soon as it has a record, so this only matters to an idle
 * consumer: its heartbeats wait for the fetch, and so does the news that the group rebalances.
 */
const IDLE_MS = 500;
/** While a partition is paused. kafkajs resumes it at the next fetch, so it resumes at most this late. */
const PAUSED_MS = 100;
/** While a partition is opening. */
const OPENING_MS = 10;

export type Pace = 'idle' | 'paused' | 'opening';

const WAIT_MS: Readonly<Record<Pace, number>> = { idle: IDLE_MS, paused: PAUSED_MS, opening: OPENING_MS };

/**
 * How long one fetch of a consumer may wait for records.
 *
 * kafkajs takes this setting once, when the consumer is made, but resumes a paused partition only at the next fetch.
 * With one fixed value, either an idle consumer fetches too often or a resumed partition waits too long. kafkajs uses
 * the value only in arithmetic, so it reads this object's `valueOf` at each fetch (2.2.4, consumerGroup.js:
 * `sleep(this.maxWaitTime)`, and the encoder of the fetch request).
 */
export class FetchWait {
  pace: Pace = 'idle';

  valueOf(): number {
    return WAIT_MS[this.pace];
  }

  /** This object, typed as the number that kafkajs' types ask for. */
  asMilliseconds(): number {
    return this as unknown as number;
  }
}
