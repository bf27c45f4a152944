import type { Behaviour, FaultRule } from './behaviour.ts';
import { FAULT_NAMES } from './fault-table.ts';
import type { FaultName } from './fault-table.ts';
import { drawFor, seededRandom } from './random.ts';
import type { Random } from './random.ts';

/** The values of a call that rules can match. `key` is '' for a call without Idempotency-Key. */
export interface Target {
  readonly key: string;
  readonly recipient: string;
  readonly workspace: string;
  readonly channel: string;
}

/**
 * Decides whether a valid call meets a fault, and which: rules first, then rates. For a call with a key, chance depends
 * only on the seed, the key and how many faults the key has had, so a run repeats however calls interleave. For calls
 * without a key it depends on the order of arrival.
 */
export class FaultChooser {
  #behaviour: Behaviour;
  #random: Random;
  /** A name, and the upper end of its share of [0, 1). */
  #shares: readonly (readonly [FaultName, number])[] = [];
  #rules: { readonly rule: FaultRule; timesLeft: number }[] = [];
  readonly #faultsOfKey = new Map<string, number>();

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#random = seededRandom(behaviour.seed);
    this.#arm();
  }

  /** Only counters of changed settings start again. */
  configure(next: Behaviour): void {
    const previous = this.#behaviour;
    this.#behaviour = next;
    if (next.seed !== previous.seed) this.#random = seededRandom(next.seed);
    if (next.faultRules !== previous.faultRules || next.faultRates !== previous.faultRates) this.#arm();
  }

  /** Back to the state after the start. */
  reset(): void {
    this.#faultsOfKey.clear();
    this.#random = seededRandom(this.#behaviour.seed);
    this.#arm();
  }

  choose(target: Target): FaultName | null {
    const fault = this.#byRule(target) ?? this.#byRate(target.key);
    if (fault !== null && target.key !== '') {
      this.#faultsOfKey.set(target.key, (this.#faultsOfKey.get(target.key) ?? 0) + 1);
    }
    return fault;
  }

  #byRule(target: Target): FaultName | null {
    for (const entry of this.#rules) {
      if (entry.timesLeft > 0 && matches(entry.rule.match, target)) {
        entry.timesLeft--;
        return entry.rule.fault;
      }
    }
    return null;
  }

  #byRate(key: string): FaultName | null {
    if (this.#shares.length === 0) return null;
    const had = key === '' ? 0 : (this.#faultsOfKey.get(key) ?? 0);
    const { faultsPerKey, seed } = this.#behaviour;
    if (faultsPerKey !== null && key !== '' && had >= faultsPerKey) return null;
    const drawn = key === '' ? this.#random() : drawFor(seed, key, had);
    for (const [name, end] of this.#shares) if (drawn < end) return name;
    return null;
  }

  #arm(): void {
    let end = 0;
    const rates = this.#behaviour.faultRates;
    this.#shares = FAULT_NAMES.filter((name) => (rates[name] ?? 0) > 0).map((name) => [
      name,
      (end += rates[name] ?? 0),
    ]);
    this.#rules = this.#behaviour.faultRules.map((rule) => ({ rule, timesLeft: rule.times ?? Infinity }));
  }
}

function matches(match: FaultRule['match'], target: Target): boolean {
  return (
    (match.keyPrefix === undefined || target.key.startsWith(match.keyPrefix)) &&
    (match.recipient === undefined || match.recipient.replace(/^\+/, '') === target.recipient) &&
    (match.workspace === undefined || match.workspace === target.workspace) &&
    (match.channel === undefined || match.channel === target.channel)
  );
}
