import { longestOf } from './account.ts';
import type { Account, PlacedStall } from './account.ts';
import type { Recovery } from './recoveries.ts';

/** What a scenario may cost; whatever is not named here may not happen at all. */
export interface Allowed {
  /** A command may be called again where its call was on the wire at a cut, or had been answered so many ms before it; null for never. */
  readonly repeatedWithinMs: number | null;
  /** Calls repeated, at most: cuts × calls that a replica may have on the wire. */
  readonly repeatedCalls: number;
  /** Results beyond the first of a record; null where no number is promised. */
  readonly repeatedResults: number | null;
  readonly inDoubt: number;
  /** No partition stands still for longer; null where nothing is promised. */
  readonly partitionStallMs: number | null;
  /** No topic stands still for longer. */
  readonly topicStallMs?: number;
  /** The topics of which that is promised, without their prefix; all of them by default. */
  readonly stallTopics?: readonly string[];
  /** Resident memory of any replica, at most. */
  readonly memoryMib?: number;
  /** From the recovery of the API until it has taken a command of every partition. */
  readonly resumedWithinMs?: number;
  /** Calls within 100 ms of the first one that it takes again, over all replicas. */
  readonly herd?: number;
}

/** What was seen beside the topics and the calls. */
export interface Observed {
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

/** One line per promise that was broken; empty where all were kept. */
export function brokenPromises(account: Account, allowed: Allowed, observed: Observed): string[] {
  const { outcomes } = account;
  const needless = account.repeatedAfterMs.filter((ms) => ms > (allowed.repeatedWithinMs ?? -1));
  const inDoubt = outcomes['in-doubt'] ?? 0;
  const others = account.commands - account.lost - (outcomes.accepted ?? 0) - inDoubt;
  const { longestStall, topicStalls } = account;
  const { stallTopics } = allowed;
  const slowest = longestOf(topicStalls.filter(({ place }) => stallTopics?.includes(place) ?? true));
  const checks: readonly (readonly [boolean, string])[] = [
    [account.lost > 0, `${account.lost} lost`],
    [observed.unsettled > 0, `${observed.unsettled} records never committed`],
    [needless.length > 0, `${needless.length} calls repeated without need (${worst(needless)})`],
    [account.repeatedCalls > allowed.repeatedCalls, `${account.repeatedCalls} calls repeated, allowed ${allowed.repeatedCalls}`],
    [account.orderViolations > 0, `${account.orderViolations} order violations`],
    [account.overlaps > 0, `${account.overlaps} overlaps`],
    [account.repeatedResults > (allowed.repeatedResults ?? Infinity), `${account.repeatedResults} results repeated, allowed ${allowed.repeatedResults}`],
    [account.contradictions > 0, `${account.contradictions} commands with results that contradict`],
    [inDoubt > allowed.inDoubt, `${inDoubt} in doubt, allowed ${allowed.inDoubt}`],
    [account.needlessDoubts > 0, `${account.needlessDoubts} in doubt without need`],
    [others > 0, `${others} neither accepted nor in doubt: ${JSON.stringify(outcomes)}`],
    [longestStall.ms > (allowed.partitionStallMs ?? Infinity), told('partition', longestStall, allowed.partitionStallMs)],
    [slowest.ms > (allowed.topicStallMs ?? Infinity), told('topic', slowest, allowed.topicStallMs)],
    [observed.exitCodes.some((code) => code !== 0), `drained replicas exited ${observed.exitCodes.join(', ')}`],
    [observed.ended.length > 0, `ended unasked: ${observed.ended.join('; ')}`],
    [observed.peakMemoryMib > (allowed.memoryMib ?? Infinity), `${Math.round(observed.peakMemoryMib)} MiB, allowed ${allowed.memoryMib}`],
    ...observed.recoveries.flatMap(({ resumedAfterMs, herd }) => [
      [resumedAfterMs > (allowed.resumedWithinMs ?? Infinity), `resumed ${seconds(resumedAfterMs)} after a recovery, allowed ${seconds(allowed.resumedWithinMs ?? 0)}`] as const,
      [herd > (allowed.herd ?? Infinity), `${herd} calls within 100 ms of a recovery, allowed ${allowed.herd}`] as const,
    ]),
  ]; // prettier-ignore
  return checks.filter(([isBroken]) => isBroken).map(([, line]) => line);
}

function worst(values: readonly number[]): string {
  const most = Math.max(0, ...values);
  return Number.isFinite(most) ? `up to ${Math.round(most)} ms before a cut` : 'no cut came after it';
}

function told(what: string, { place, fromMs, ms }: PlacedStall, atMostMs: number | null = null): string {
  return `${what} ${place} stood still for ${seconds(ms)} from ${new Date(fromMs).toISOString()}, allowed ${seconds(atMostMs ?? 0)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
