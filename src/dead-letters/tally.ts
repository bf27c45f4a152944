import type { DeadLetter } from './dead-letter';

/** One line of a count. A part that could not be read is null. */
export interface Count {
  readonly channel: DeadLetter['channel'];
  readonly outcome: DeadLetter['outcome'];
  readonly count: number;
}

/** Counts dead letters by channel and outcome. */
export class Tally {
  private readonly counts = new Map<string, Count>();
  total = 0;

  add({ channel, outcome }: DeadLetter): void {
    const key = `${channel ?? ''} ${outcome ?? ''}`;
    this.counts.set(key, { channel, outcome, count: (this.counts.get(key)?.count ?? 0) + 1 });
    this.total++;
  }

  /** The counts, the largest first. */
  list(): readonly Count[] {
    return [...this.counts.values()].toSorted((a, b) => b.count - a.count);
  }
}
