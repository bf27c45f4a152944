import { textTable } from '../lib/text-table.ts';
import type { Touched } from './promises.ts';
import type { ScenarioResult } from './run-scenario.ts';

const HEAD = [
  'scenario',
  'commands',
  'lost',
  'duplicate calls',
  'order violations',
  'overlaps',
  'duplicate results',
  'in doubt',
  'longest stall',
  'memory',
  'verdict',
];

/**
 * The table of all scenarios, for people. It shows what was seen and, in brackets, what is allowed, if that is judged.
 */
export function renderReport(results: readonly ScenarioResult[]): string {
  return textTable(HEAD, results.map(rowOf));
}

function rowOf({ name, short, account, allowed, observed, broken }: ScenarioResult): string[] {
  const { repeats, doubts, repeatsResults, partitionStallMs } = allowed;
  const atMost = partitionStallMs === null ? 'any' : inSeconds(partitionStallMs);
  return [
    name,
    String(account.commands),
    String(account.lost),
    `${account.repeatedCalls} (${numberOf(repeats)})${lastOf(account.repeatedAfterMs)}`,
    String(account.orderViolations),
    String(account.overlaps),
    `${account.repeatedResults} (${repeatsResults ? 'any' : '0'})`,
    `${account.outcomes['in-doubt'] ?? 0} (${numberOf(doubts)})${lastOf(account.doubtfulAfterMs)}`,
    `${inSeconds(account.longestStall.ms)} s${short ? '' : ` (${atMost})`}`,
    `${Math.round(observed.peakMemoryMib)} MiB`,
    broken.length === 0 ? 'kept' : 'BROKEN',
  ];
}

function numberOf(touched: Touched): string {
  return touched === 'none' ? '0' : touched;
}

/** The call that was answered longest before a cut; nothing if all were on the wire. */
function lastOf(afterMs: readonly number[]): string {
  const most = Math.max(0, ...afterMs);
  return most === 0 ? '' : `, up to ${Math.round(most)} ms before a cut`;
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
