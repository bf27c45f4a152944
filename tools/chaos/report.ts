import { textTable } from '../lib/text-table.ts';
import type { ScenarioResult } from './run-scenario.ts';

const HEAD = ['scenario', 'commands', 'lost', 'duplicate calls', 'order violations', 'overlaps', 'duplicate results', 'in doubt', 'longest stall', 'memory', 'verdict']; // prettier-ignore

/** The table of all scenarios, for people: what was seen and, in brackets, what is allowed. */
export function renderReport(results: readonly ScenarioResult[]): string {
  return textTable(HEAD, results.map(rowOf));
}

function rowOf({ name, account, allowed, observed, broken }: ScenarioResult): string[] {
  return [
    name,
    String(account.commands),
    String(account.lost),
    `${account.repeatedCalls} (${allowed.repeatedCalls})`,
    String(account.orderViolations),
    String(account.overlaps),
    `${account.repeatedResults} (${allowed.repeatedResults ?? 'any'})`,
    `${account.outcomes['in-doubt'] ?? 0} (${allowed.inDoubt})`,
    `${inSeconds(account.longestStall.ms)} s (${allowed.partitionStallMs === null ? 'any' : inSeconds(allowed.partitionStallMs)})`,
    `${Math.round(observed.peakMemoryMib)} MiB`,
    broken.length === 0 ? 'kept' : 'BROKEN',
  ];
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
