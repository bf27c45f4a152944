import type { CallRecord } from '../../sandbox/api.ts';
import type { Report } from '../../sandbox/ledger.ts';
import type { Outcome } from '../../src/contract/outcome.ts';
import { longestStall } from './stalls.ts';
import type { Stall } from './stalls.ts';

/** A command, as its topic holds it. */
export interface CommandRecord {
  readonly id: string;
  /** The full name of the topic. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** When it was produced, in ms since the epoch. */
  readonly atMs: number;
}

/** A result, as its topic holds it. */
export interface ResultRecord {
  readonly commandId: string | null;
  readonly outcome: Outcome;
  readonly replayed?: boolean;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
  /** When the broker appended it, in ms since the epoch. */
  readonly atMs: number;
}

/**
 * A time span in which calls were cut off: a process was killed or frozen at some moment in it. In ms since the epoch.
 */
export interface Cut {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Everything known of a run when it is over. */
export interface Evidence {
  readonly commands: readonly CommandRecord[];
  readonly results: readonly ResultRecord[];
  readonly calls: readonly CallRecord[];
  readonly report: Pick<Report, 'duplicates' | 'orderViolations' | 'overlaps'>;
  readonly cuts: readonly Cut[];
  /** From the moment a call reaches the API until its answer is back, on an idle machine. */
  readonly roundTripMs: number;
  readonly endMs: number;
  /** Every topic's name starts with it. */
  readonly prefix: string;
}

/** A stall and its place: a topic without its prefix, with or without a partition. */
export interface PlacedStall extends Stall {
  readonly place: string;
}

/** How a run went. */
export interface Account {
  readonly commands: number;
  /** Records without any result, and commands that were reported as accepted but that the API never took. */
  readonly lost: number;
  /** Calls that the API took although it had taken the same command before. */
  readonly repeatedCalls: number;
  /**
   * For each repeated call: how long before the next cut its first call was answered, in ms, if that took a round trip.
   * 0 if it was on the wire at the cut; Infinity if no cut came.
   */
  readonly repeatedAfterMs: readonly number[];
  readonly orderViolations: number;
  readonly overlaps: number;
  readonly repeatedResults: number;
  /** Records with results that contradict each other. */
  readonly contradictions: number;
  /** How many records ended with each outcome. The first result of a record counts. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** The same time for each command that ended in doubt. Also 0 if the command was never called. */
  readonly doubtfulAfterMs: readonly number[];
  /** The longest stall of any partition. */
  readonly longestStall: PlacedStall;
  /** The longest stall of each topic, all its partitions taken together. */
  readonly topicStalls: readonly PlacedStall[];
}

/** Finds out how every command ended, from the topics and from the calls that the API saw. */
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

/** With no stalls, it returns one of 0 ms. */
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
  // A call can arrive a moment after its sender was cut off, because it was still in a socket.
  const next = cuts
    .filter(({ untilMs }) => untilMs + roundTripMs >= calledAtMs)
    .map(({ fromMs }) => fromMs - (calledAtMs + roundTripMs));
  return Math.max(0, Math.min(Infinity, ...next));
}

/** A claimed command without any call counts as cut off on the wire: it was about to be called. */
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
