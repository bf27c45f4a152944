import { longestOf } from './account.ts';
import type { Account, PlacedStall } from './account.ts';
import type { Recovery } from './recoveries.ts';

/** Which calls a cut may touch: none, those on the wire, or also those whose outcome Kafka had not acknowledged yet. */
export type Touched = 'none' | 'on the wire' | 'unacknowledged';

/** What a scenario may cost; whatever is not named here may not happen at all. */
export interface Allowed {
  /** Calls repeated. */
  readonly repeats: Touched;
  /** Commands that end in doubt. */
  readonly doubts: Touched;
  /** Whether a record may have more than one result. */
  readonly repeatsResults: boolean;
  /** No partition stands still for longer; null where nothing is promised. */
  readonly partitionStallMs: number | null;
  /** No topic stands still for longer. */
  readonly topicStallMs?: number;
  /** The topics of which that is promised, without their prefix; all of them by default. */
  readonly stallTopics?: readonly string[];
  /** From the recovery of the API until it has taken a command of every partition. */
  readonly resumedWithinMs?: number;
  /** Calls within 100 ms of the first one that it takes again, over all replicas. */
  readonly herd?: number;
}

/** What other durations of the same run are compared with. */
interface Yardsticks {
  /** One call after the other, before the load: median. */
  readonly roundTripMs: number;
  /** The broker's answer to a write of the load, with all copies: 99 of 100 took no longer. */
  readonly acknowledgementMs: number;
}

/** Resident memory of any replica, at most. */
const MEMORY_MIB = 400;
/** A call under load may take so many round trips. */
const ROUND_TRIPS = 4;
/** Between an answer and its offset's commit: results are written 25 ms apart, and offsets are. */
const SPACING_MS = 50;
/** So many times what spacing and acknowledgements take by themselves. */
const UNACKNOWLEDGED_ROOM = 3;

/** What was seen beside the topics and the calls. */
export interface Observed extends Yardsticks {
  /** Exit codes of replicas that were asked to drain. */
  readonly exitCodes: readonly number[];
  /** Replicas that ended although nobody asked them to, with their code. */
  readonly ended: readonly string[];
  readonly peakMemoryMib: number;
  /** Per recovery of the API. */
  readonly recoveries: readonly Recovery[];
  /** What was still not settled when waiting for it was given up. */
  readonly unsettled: number;
}

type Check = readonly [isBroken: boolean, line: string];

/**
 * One line per broken promise that holds on a machine of any speed: what is lost, what happened although it may not,
 * and whether it ended. Empty where all were kept.
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

/** The same of what depends on the machine: durations, memory, and which calls a cut had repeated. */
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

/** How long before a cut a call may have been answered, if it took a round trip, and be touched by it. */
function touchedMs(touched: Touched, { roundTripMs, acknowledgementMs }: Yardsticks): number {
  const wireMs = (ROUND_TRIPS - 1) * roundTripMs;
  switch (touched) {
    case 'none':
      // Judged by its number.
      return Infinity;
    case 'on the wire':
      return wireMs;
    case 'unacknowledged':
      return wireMs + UNACKNOWLEDGED_ROOM * (SPACING_MS + 2 * acknowledgementMs);
  }
}

function needless(what: string, afterMs: readonly number[], allowedMs: number): Check {
  // NaN, a yardstick that could not be had, allows nothing.
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
