import { longestOf } from './account.ts';
import type { Account, PlacedStall } from './account.ts';
import type { Recovery } from './recoveries.ts';

/** Which calls a cut may touch: none; those on the wire; or also those whose outcome Kafka had not acknowledged yet. */
export type Touched = 'none' | 'on the wire' | 'unacknowledged';

/** What may happen in a scenario. Anything not named here must not happen at all. */
export interface Allowed {
  /** Which calls may be repeated. */
  readonly repeats: Touched;
  /** Which commands may end in doubt. */
  readonly doubts: Touched;
  /** Whether a record may have more than one result. */
  readonly repeatsResults: boolean;
  /** The longest stall of a partition; null if nothing is promised. */
  readonly partitionStallMs: number | null;
  /** The longest stall of a topic. */
  readonly topicStallMs?: number;
  /** The topics that `topicStallMs` holds for, without their prefix; default all. */
  readonly stallTopics?: readonly string[];
  /** The longest time from a recovery of the API until it has taken a command of every partition. */
  readonly resumedWithinMs?: number;
  /** The most calls within 100 ms of the first call that the API takes again, over all replicas. */
  readonly herd?: number;
}

/** Measured in the same run; durations are judged as ratios to these. */
interface Yardsticks {
  /** A round trip of one call after the other, before the load: the median. */
  readonly roundTripMs: number;
  /** The broker's answer to a write of the load, with all copies: 99 of 100 took no longer. */
  readonly acknowledgementMs: number;
}

/** The most resident memory of any replica. */
const MEMORY_MIB = 400;
/** A call under load may take so many times an unloaded round trip. */
const ROUND_TRIPS = 4;
/** Between an answer and its offset's commit: results are written 25 ms apart, and so are offsets. */
const SPACING_MS = 50;
/** Room for unacknowledged calls: so many times what spacing and acknowledgements take by themselves. */
const UNACKNOWLEDGED_ROOM = 3;

/** Everything observed apart from the topics and the calls. */
export interface Observed extends Yardsticks {
  /** Exit codes of the replicas that were asked to drain. */
  readonly exitCodes: readonly number[];
  /** Replicas that ended without being asked to, with their exit code. */
  readonly ended: readonly string[];
  readonly peakMemoryMib: number;
  /** One for each recovery of the API. */
  readonly recoveries: readonly Recovery[];
  /** How many records were still not committed when waiting was given up. */
  readonly unsettled: number;
}

type Check = readonly [isBroken: boolean, line: string];

/**
 * One line for each broken promise about counts: losses, events that must not happen, and whether the run ended. These
 * hold on a machine of any speed. Empty if all promises were kept.
 */
export function brokenCounts(account: Account, allowed: Allowed, observed: Observed): string[] {
  const { outcomes } = account;
  const inDoubt = outcomes['in-doubt'] ?? 0;
  const others = account.commands - account.lost - (outcomes.accepted ?? 0) - inDoubt;
  return broken([
    [account.lost > 0, `${account.lost} lost`],
    [observed.unsettled > 0, `${observed.unsettled} records never committed`],
    [allowed.repeats === 'none' && account.repeatedCalls > 0, `${account.repeatedCalls} calls repeated`],
    [account.orderViolations > 0, `${account.orderViolations} order violations`],
    [account.overlaps > 0, `${account.overlaps} overlaps`],
    [!allowed.repeatsResults && account.repeatedResults > 0, `${account.repeatedResults} results repeated`],
    [account.contradictions > 0, `${account.contradictions} commands with results that contradict`],
    [allowed.doubts === 'none' && inDoubt > 0, `${inDoubt} in doubt`],
    [others > 0, `${others} neither accepted nor in doubt: ${JSON.stringify(outcomes)}`],
    [observed.exitCodes.some((code) => code !== 0), `drained replicas exited ${observed.exitCodes.join(', ')}`],
    [observed.ended.length > 0, `ended unasked: ${observed.ended.join('; ')}`],
  ]);
}

/** The same for promises that depend on the machine: durations, memory, and which calls were repeated after a cut. */
export function brokenTimes(account: Account, allowed: Allowed, observed: Observed): string[] {
  const { longestStall, topicStalls } = account;
  const { partitionStallMs, topicStallMs, stallTopics, resumedWithinMs = Infinity, herd = Infinity } = allowed;
  const slowest = longestOf(topicStalls.filter(({ place }) => stallTopics?.includes(place) ?? true));
  return broken([
    needless('calls repeated', account.repeatedAfterMs, touchedMs(allowed.repeats, observed)),
    needless('in doubt', account.doubtfulAfterMs, touchedMs(allowed.doubts, observed)),
    [longestStall.ms > (partitionStallMs ?? Infinity), told('partition', longestStall, partitionStallMs)],
    [slowest.ms > (topicStallMs ?? Infinity), told('topic', slowest, topicStallMs)],
    [observed.peakMemoryMib >= MEMORY_MIB, `${Math.round(observed.peakMemoryMib)} MiB, allowed below ${MEMORY_MIB}`],
    ...observed.recoveries.flatMap((recovery): Check[] => [
      [
        recovery.resumedAfterMs > resumedWithinMs,
        `resumed ${seconds(recovery.resumedAfterMs)} after a recovery, allowed ${seconds(resumedWithinMs)}`,
      ],
      [recovery.herd > herd, `${recovery.herd} calls within 100 ms of a recovery, allowed ${herd}`],
    ]),
  ]);
}

function broken(checks: readonly Check[]): string[] {
  return checks.filter(([isBroken]) => isBroken).map(([, line]) => line);
}

/** How long before a cut a call may have been answered, after one round trip, and still be touched by the cut. */
function touchedMs(touched: Touched, { roundTripMs, acknowledgementMs }: Yardsticks): number {
  const wireMs = (ROUND_TRIPS - 1) * roundTripMs;
  switch (touched) {
    case 'none':
      // Then the count alone is judged.
      return Infinity;
    case 'on the wire':
      return wireMs;
    case 'unacknowledged':
      return wireMs + UNACKNOWLEDGED_ROOM * (SPACING_MS + 2 * acknowledgementMs);
  }
}

function needless(what: string, afterMs: readonly number[], allowedMs: number): Check {
  // NaN means that a yardstick is missing. Then nothing is allowed.
  const beyond = afterMs.filter((ms) => !(ms <= allowedMs));
  const line = `${beyond.length} ${what} without need (${worst(beyond)}, allowed ${Math.round(allowedMs)} ms)`;
  return [beyond.length > 0, line];
}

function worst(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return Number.isFinite(most) ? `up to ${Math.round(most)} ms before a cut` : 'no cut came after it';
}

function told(what: string, { place, fromMs, ms }: PlacedStall, atMostMs: number | null = null): string {
  const since = new Date(fromMs).toISOString();
  return `${what} ${place} stood still for ${seconds(ms)} from ${since}, allowed ${seconds(atMostMs ?? 0)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
