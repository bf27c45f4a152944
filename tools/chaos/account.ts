import type { CallRecord } from '../../sandbox/api.ts';
import type { Report } from '../../sandbox/ledger.ts';
import type { Outcome } from '../../src/contract/outcome.ts';
import { longestStall } from './stalls.ts';
import type { Stall } from './stalls.ts';

/** A command as it lies in its topic. */
export interface CommandRecord {
  readonly id: string;
  /** The full name. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** When it was produced, milliseconds since the epoch. */
  readonly atMs: number;
}

/** A result as it lies in its topic. */
export interface ResultRecord {
  readonly commandId: string | null;
  readonly outcome: Outcome;
  readonly replayed?: boolean;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
  /** When the broker appended it, milliseconds since the epoch. */
  readonly atMs: number;
}

/**
 * A moment at which calls were cut off: a process was killed or frozen at some time in between. Milliseconds since the
 * epoch.
 */
export interface Cut {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** All that is known of a run once it is over. */
export interface Evidence {
  readonly commands: readonly CommandRecord[];
  readonly results: readonly ResultRecord[];
  readonly calls: readonly CallRecord[];
  readonly report: Pick<Report, 'duplicates' | 'orderViolations' | 'overlaps'>;
  readonly cuts: readonly Cut[];
  /** From the moment a call is at the API until its answer is back, where nothing else is going on. */
  readonly roundTripMs: number;
  readonly endMs: number;
  /** Before every topic's name. */
  readonly prefix: string;
}

/** Where nothing moved: a topic without its prefix, with a partition or without. */
export interface PlacedStall extends Stall {
  readonly place: string;
}

/** How a run went. */
export interface Account {
  readonly commands: number;
  /** Records without any result, and commands reported as accepted of which the API knows nothing. */
  readonly lost: number;
  /** Calls that the API took of a command which it had taken before. */
  readonly repeatedCalls: number;
  /**
   * For each of these, how long before the next cut the call that was repeated had been answered if it took a round
   * trip, in ms: 0 where it was on the wire, Infinity where no cut came.
   */
  readonly repeatedAfterMs: readonly number[];
  readonly orderViolations: number;
  readonly overlaps: number;
  readonly repeatedResults: number;
  /** Records with results that contradict one another. */
  readonly contradictions: number;
  /** By a record's first result. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** The same of each command that ended in doubt; 0 also where it was never called. */
  readonly doubtfulAfterMs: readonly number[];
  /** Of any partition. */
  readonly longestStall: PlacedStall;
  /** The longest of each topic, over all its partitions together. */
  readonly topicStalls: readonly PlacedStall[];
}

/** Tells what became of every command, from what lies in the topics and what the API saw. */
export function accountOf(evidence: Evidence): Account {
  const { commands, results, report, endMs } = evidence;
  const bySource = Map.groupBy(results, ({ source }) => placeOf(source));
  const firsts = commands.map((command) => ({ command, first: firstOf(bySource.get(placeOf(command))) }));
  const calls = callsByCommand(evidence.calls);
  const untaken = firsts.filter(
    ({ command, first }) => first?.outcome === 'accepted' && !calls.get(command.id)?.some(({ accepted }) => accepted),
  );
  const spans = firsts.map(({ command, first }) => ({
    topic: command.topic.slice(evidence.prefix.length),
    partition: `${command.topic.slice(evidence.prefix.length)}/${command.partition}`,
    arrivedAtMs: command.atMs,
    settledAtMs: first?.atMs ?? null,
  }));
  const stallsBy = (key: 'topic' | 'partition'): PlacedStall[] =>
    [...Map.groupBy(spans, (span) => span[key])].map(([place, of]) => ({ place, ...longestStall(of, endMs) }));
  const doubts = firsts.filter(({ first }) => first?.outcome === 'in-doubt');
  return {
    commands: commands.length,
    lost: firsts.filter(({ first }) => first === undefined).length + untaken.length,
    repeatedCalls: report.duplicates,
    repeatedAfterMs: repeatsOf(evidence, calls),
    orderViolations: report.orderViolations,
    overlaps: report.overlaps,
    repeatedResults: [...bySource.values()].reduce((sum, of) => sum + of.length - 1, 0),
    contradictions: [...bySource.values()].filter((of) => new Set(of.map(({ outcome }) => outcome)).size > 1).length,
    outcomes: countBy(firsts.flatMap(({ first }) => (first === undefined ? [] : [first.outcome]))),
    doubtfulAfterMs: doubts.map(({ command }) => cutOffAfterMs(evidence, calls.get(command.id))),
    longestStall: longestOf(stallsBy('partition')),
    topicStalls: stallsBy('topic'),
  };
}

/** Of none: one that lasted no time. */
export function longestOf(stalls: readonly PlacedStall[]): PlacedStall {
  return stalls.reduce((longest, stall) => (stall.ms > longest.ms ? stall : longest), { place: '', fromMs: 0, ms: 0 });
}

function repeatsOf(evidence: Evidence, calls: ReadonlyMap<string, readonly CallRecord[]>): number[] {
  return [...calls.values()].flatMap((of) => {
    const taken = of.filter(({ accepted }) => accepted);
    return taken.slice(0, -1).map(({ at }) => msBeforeCut(evidence, at));
  });
}

function msBeforeCut({ cuts, roundTripMs }: Evidence, calledAtMs: number): number {
  // A call can arrive a moment after its sender was cut off: it lay in a socket.
  const next = cuts
    .filter(({ untilMs }) => untilMs + roundTripMs >= calledAtMs)
    .map(({ fromMs }) => fromMs - (calledAtMs + roundTripMs));
  return Math.max(0, Math.min(Infinity, ...next));
}

/** One that was claimed and never called counts as cut off on the wire: it was just about to be called. */
function cutOffAfterMs(evidence: Evidence, calls: readonly CallRecord[] = []): number {
  if (evidence.cuts.length === 0) return Infinity;
  return Math.max(0, ...calls.map(({ at }) => msBeforeCut(evidence, at)));
}

function callsByCommand(calls: readonly CallRecord[]): Map<string, readonly CallRecord[]> {
  return Map.groupBy(calls, ({ key }) => key);
}

function firstOf(results: readonly ResultRecord[] | undefined): ResultRecord | undefined {
  return results?.reduce((first, result) => (result.atMs < first.atMs ? result : first));
}

function placeOf({ topic, partition, offset }: ResultRecord['source']): string {
  return `${topic}/${partition}/${offset}`;
}

function countBy<K extends string>(names: readonly K[]): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
