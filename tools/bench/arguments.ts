import { parseArgs } from 'node:util';

/** What the command line asks for. */
export interface BenchArguments {
  /** Names of workloads, in the order in which they run. */
  readonly workloads: readonly string[];
  /** File for the raw figures; null for none. */
  readonly json: string | null;
  readonly profile: boolean;
}

/** The arguments, or a text that says why they are wrong. Without names all workloads run. */
export function parseArguments(args: readonly string[], known: readonly string[]): BenchArguments | string {
  const usage = `usage: npm run bench -- [${known.join('|')} …] [--json FILE] [--profile]`;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'string' }, profile: { type: 'boolean', default: false } },
    });
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) return `unknown: ${unknown.join(', ')}\n${usage}`;
    const workloads = positionals.length === 0 ? known : known.filter((name) => positionals.includes(name));
    return { workloads, json: values.json ?? null, profile: values.profile };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${usage}`;
  }
}
