import type { Channel } from '../../src/contract/channels.ts';
import type { Outcome, Result } from '../../src/contract/outcome.ts';
import type { Written } from '../lib/producing.ts';
import type { DemoCommand } from './commands.ts';

/** A result as it arrived. `atMs` is its record's timestamp. */
export interface ArrivedResult {
  readonly result: Pick<Result, 'commandId' | 'outcome' | 'source' | 'channel'>;
  readonly atMs: number;
}

/** A command, the place where it was written, and its results: exactly one if all is well. */
export interface Entry {
  readonly command: DemoCommand;
  readonly writtenAtMs: number;
  readonly results: ArrivedResult[];
}

/** Finds the command of each result by the place where the command was written: not every command has an id. */
export class DemoLedger {
  readonly #entries = new Map<string, Entry>();
  /** Results that belong to no command. */
  readonly strangers: ArrivedResult[] = [];
  /** Results that came before the broker told where their command is. */
  readonly #early = new Map<string, ArrivedResult[]>();
  #resultCount = 0;
  #settledCount = 0;

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  get sentCount(): number {
    return this.#entries.size;
  }

  /** Results so far, repeated ones included. */
  get resultCount(): number {
    return this.#resultCount;
  }

  /** Commands that have a result. */
  get settledCount(): number {
    return this.#settledCount;
  }

  sent(command: DemoCommand, { record, offset, atMs }: Written): void {
    const place = `${record.topic}/${record.partition}/${offset}`;
    const results = this.#early.get(place) ?? [];
    this.#early.delete(place);
    this.#entries.set(place, { command, writtenAtMs: atMs, results });
    if (results.length > 0) this.#settledCount++;
  }

  arrived(arrived: ArrivedResult): void {
    const { topic, partition, offset } = arrived.result.source;
    const place = `${topic}/${partition}/${offset}`;
    this.#resultCount++;
    const entry = this.#entries.get(place);
    if (entry === undefined) {
      const early = this.#early.get(place) ?? [];
      this.#early.set(place, [...early, arrived]);
    } else if (entry.results.push(arrived) === 1) {
      this.#settledCount++;
    }
  }

  /** Everything has been sent. A result without a command by now belongs to none. */
  close(): void {
    this.strangers.push(...[...this.#early.values()].flat());
    this.#early.clear();
  }

  /** How many commands of a channel ended with this outcome. */
  count(channel: Channel, isCounted: (outcome: Outcome) => boolean): number {
    let count = 0;
    for (const { command, results } of this.#entries.values()) {
      if (command.channel === channel && results.some(({ result }) => isCounted(result.outcome))) count++;
    }
    return count;
  }
}
