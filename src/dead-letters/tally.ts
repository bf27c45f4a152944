import type { DeadLetter } from './dead-letter';

/** One line of a count. Null where it cannot be made out. */
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

  /** The largest first. */
  list(): readonly Count[] {
    return [...this.counts.values()].toSorted((a, b) => b.count - a.count);
  }
}
