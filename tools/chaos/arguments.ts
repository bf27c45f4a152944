import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface ChaosArguments {
  readonly seed: number;
  /** Names of scenarios, in the order in which they run. */
  readonly scenarios: readonly string[];
  /** Less load and fewer faults; only counts are judged. */
  readonly short: boolean;
}

const MAX_SEED = 2 ** 32 - 1;

/**
 * The arguments, or a text that says why they are wrong. Without names all scenarios run; without a seed it is
 * `randomSeed`.
 */
export function parseArguments(
  args: readonly string[],
  known: readonly string[],
  randomSeed: number,
): ChaosArguments | string {
  const usage = `usage: npm run chaos -- [--seed 0…${MAX_SEED}] [--scenario ${known.join(',')}] [--short]`;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { seed: { type: 'string' }, scenario: { type: 'string' }, short: { type: 'boolean', default: false } },
    });
    const seed = values.seed === undefined ? randomSeed : Number(values.seed.trim() || Number.NaN);
    if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED) return `the seed must be a whole number\n${usage}`;
    const named = values.scenario?.split(',').map((name) => name.trim()) ?? known;
    const unknown = named.filter((name) => !known.includes(name));
    if (unknown.length > 0) return `unknown: ${unknown.join(', ')}\n${usage}`;
    return { seed, scenarios: known.filter((name) => named.includes(name)), short: values.short };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${usage}`;
  }
}
