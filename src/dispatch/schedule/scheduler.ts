import Denque from 'denque';
import { type Channel, type Lane, LANES } from '../../contract/channels';
import type { Passage } from '../api-health/breaker';
import {
  type ChannelQueues,
  firstReady,
  type Group,
  type KeyQueue,
  newChannelQueues,
  newGroup,
  newKeyQueue,
  type PartitionQueues,
  type Schedulable,
} from './queues';
import type { RateLimiter } from './rate-limiter';
import { TimerHeap } from './timer-heap';

/**
 * Whose turn it is: a command, or nobody's for a while (`Infinity`: until something is added, completed or retried).
 */
export type Turn<J> = { readonly job: J } | { readonly waitMs: number };

/** What keeps commands waiting for other reasons than limits. */
export interface Hold {
  /** What may be sent of a workspace on a channel. What waits for `Infinity` is looked at again with `reconsider`. */
  passageOf(channel: Channel, workspaceId: string, nowMs: number): Passage;
  /** For how long nothing of a channel may be sent; `Infinity`: until a call of any channel comes back. */
  channelMs(channel: Channel, nowMs: number): number;
  /** Whether a lane's commands wait until its answered commands are recorded. */
  isUnrecorded(channel: Channel, lane: Lane): boolean;
}

/**
 * Where a command's key stands among the keys of its workspace once it is ready: before all others; with those that
 * have been
 * called before; or after all others.
 */
export type Place = 'first' | 'called' | 'last';

/** While both lanes have something to send, one in so many commands of a channel is of the bulk lane. */
const BULK_ONE_IN = 5;
const BULK_FIRST: readonly Lane[] = LANES.toReversed();

/** How often pauses that are over are forgotten. */
const SWEEP_EVERY_MS = 10_000;

const NO_HOLD: Hold = { passageOf: () => ({ kind: 'free' }), channelMs: () => 0, isUnrecorded: () => false };

type Wake<J> =
  { readonly keyQueue: KeyQueue<J>; readonly waitId: number; readonly place: Place } | { readonly group: Group<J> };

/**
 * Chooses the next command. Channels take turns; within a channel the transactional lane goes first, but for every
 * fifth
 * turn; within a lane workspaces take turns, and within a workspace keys do. What a limit holds back steps aside, alone
 * or
 * with everything the same limit holds, so nothing else waits for it. While something may only be probed, workspaces
 * and
 * commands that have not been tried go first, whatever their channel and lane; those that have been take turns after
 * them.
 * Every operation is O(log n) in the commands held, but for `reconsider`.
 *
 * A key is `ready` (its first command may be sent), `out` (its first command was handed out and has not come back),
 * `waiting`
 * (for a retry, or for the recipient's limit), or `gone` (empty, or its partition was given up):
 *
 *     add → ready → next → out → complete → ready (more commands) or gone
 *                              → retryAt  → waiting → ready
 *     ready → waiting (recipient's limit) → ready
 */
export class Scheduler<J extends Schedulable> {
  private readonly channels: ChannelQueues<J>[] = [];
  private readonly byName = new Map<Channel, ChannelQueues<J>>();
  private readonly wakes = new TimerHeap<Wake<J>>();
  private turnOf = 0;
  private waitIds = 0;
  private count = 0;

  /**
   * @param sendsNothing true for a command that will not reach the API, so that it takes nothing from the limits
   * @param hold what beyond the limits keeps commands waiting
   */
  constructor(
    private readonly limiter: RateLimiter,
    private readonly sendsNothing: (job: J) => boolean = () => false,
    private readonly hold: Hold = NO_HOLD,
  ) {}

  /** Commands added and neither completed nor discarded, those handed out included. */
  get size(): number {
    return this.count;
  }

  openPartition(): PartitionQueues<J> {
    return { keys: new Map() };
  }

  add(partition: PartitionQueues<J>, job: J): void {
    this.count++;
    const existing = partition.keys.get(job.key);
    if (existing !== undefined) {
      existing.jobs.push(job);
      return;
    }
    const group = this.groupOf(job);
    const keyQueue = newKeyQueue(job.key, new Denque([job]), partition, group);
    partition.keys.set(job.key, keyQueue);
    group.keys++;
    this.makeReady(keyQueue, 'last');
  }

  /** Hands out the next command; its key waits until `complete` or `retryAt`. */
  next(nowMs: number): Turn<J> {
    this.wake(nowMs);
    const turn = this.nextTurn(nowMs, false);
    return 'job' in turn || !this.hasLast() ? turn : this.nextTurn(nowMs, true);
  }

  /** A command handed out has ended: the next of its key gets its turn. */
  complete(partition: PartitionQueues<J>, job: J): void {
    const keyQueue = partition.keys.get(job.key);
    if (keyQueue?.turn !== 'out' || keyQueue.jobs.peekFront() !== job) return;
    keyQueue.jobs.shift();
    this.count--;
    if (keyQueue.jobs.isEmpty()) this.drop(keyQueue);
    else this.regroup(keyQueue);
  }

  /** A command handed out is to be handed out again from `atMs` on; until then its key keeps its turn. */
  retryAt(partition: PartitionQueues<J>, job: J, atMs: number, place: Place = 'called'): void {
    const keyQueue = partition.keys.get(job.key);
    if (keyQueue?.turn === 'out' && keyQueue.jobs.peekFront() === job) this.park(keyQueue, atMs, place);
  }

  /** A command waiting for its retry is handed out as soon as its turn comes. */
  hasten(partition: PartitionQueues<J>, job: J): void {
    const keyQueue = partition.keys.get(job.key);
    if (keyQueue?.turn !== 'waiting' || keyQueue.jobs.peekFront() !== job) return;
    this.makeReady(keyQueue, 'first');
    this.release(keyQueue.group);
  }

  /**
   * Nothing of this workspace on this channel is handed out before `untilMs`. A later instant wins over an earlier one.
   */
  pauseWorkspace(channel: Channel, workspaceId: string, untilMs: number, nowMs: number): void {
    const queues = this.queuesOf(channel);
    const { pausedUntilMs } = queues;
    if (nowMs - queues.sweptAtMs >= SWEEP_EVERY_MS) {
      queues.sweptAtMs = nowMs;
      for (const [paused, endMs] of pausedUntilMs) if (endMs <= nowMs) pausedUntilMs.delete(paused);
    }
    pausedUntilMs.set(workspaceId, Math.max(untilMs, pausedUntilMs.get(workspaceId) ?? 0));
  }

  /** Gives up every command of the partition that is not handed out, and returns them. */
  discardWaiting(partition: PartitionQueues<J>): J[] {
    const discarded: J[] = [];
    for (const keyQueue of partition.keys.values()) {
      const out = keyQueue.turn === 'out' ? keyQueue.jobs.shift() : undefined;
      discarded.push(...keyQueue.jobs.toArray());
      keyQueue.jobs.clear();
      if (out === undefined) this.drop(keyQueue);
      else keyQueue.jobs.push(out);
    }
    this.count -= discarded.length;
    return discarded;
  }

  /** For how long the API's own limits keep the command's workspace waiting; 0 where it may go. */
  pauseMs(job: J, nowMs: number): number {
    return this.pauseOf(this.queuesOf(job.channel), job.workspaceId, nowMs);
  }

  /** What waits with its whole workspace is looked at again: what it waited for may be over. O(workspaces). */
  reconsider(nowMs: number): void {
    for (const { groups } of this.channels) {
      for (const lane of LANES) for (const group of groups[lane].values()) this.look(group, nowMs);
    }
  }

  /** As `reconsider`, for one workspace on a channel. */
  reconsiderWorkspace(channel: Channel, workspaceId: string, nowMs: number): void {
    const { groups } = this.queuesOf(channel);
    for (const lane of LANES) {
      const group = groups[lane].get(workspaceId);
      if (group !== undefined) this.look(group, nowMs);
    }
  }

  /** Whether a command of another workspace waits. */
  hasOther(isKnown: (workspaceId: string) => boolean): boolean {
    for (const { groups } of this.channels) {
      for (const lane of LANES) {
        for (const workspaceId of groups[lane].keys()) if (!isKnown(workspaceId)) return true;
      }
    }
    return false;
  }

  private nextTurn(nowMs: number, isLastResort: boolean): Turn<J> {
    let waitMs = Infinity;
    for (let i = 0; i < this.channels.length; i++) {
      const index = (this.turnOf + i) % this.channels.length;
      const channel = this.channels[index];
      if (channel === undefined) continue;
      const shutMs = Math.max(channel.blockedUntilMs - nowMs, this.hold.channelMs(channel.name, nowMs));
      const job = shutMs > 0 ? null : this.nextOf(channel, nowMs, isLastResort);
      if (job !== null) {
        this.turnOf = index + 1;
        return { job };
      }
      const blockedMs = shutMs > 0 ? shutMs : channel.blockedUntilMs - nowMs;
      if (blockedMs > 0) waitMs = Math.min(waitMs, blockedMs);
    }
    return { waitMs: Math.max(0, Math.min(waitMs, this.wakes.nextAtMs() - nowMs)) };
  }

  private hasLast(): boolean {
    for (const { last } of this.channels) if (last.transactional.length + last.bulk.length > 0) return true;
    return false;
  }

  private nextOf(channel: ChannelQueues<J>, nowMs: number, isLastResort: boolean): J | null {
    for (const lane of channel.sinceBulk + 1 < BULK_ONE_IN ? LANES : BULK_FIRST) {
      if (this.hold.isUnrecorded(channel.name, lane)) continue;
      const job = this.nextOfLane(channel, lane, nowMs, isLastResort);
      if (channel.blockedUntilMs > nowMs) return null;
      if (job === null) continue;
      channel.sinceBulk = lane === 'bulk' ? 0 : channel.sinceBulk + 1;
      return job;
    }
    return null;
  }

  private nextOfLane(channel: ChannelQueues<J>, lane: Lane, nowMs: number, isLastResort: boolean): J | null {
    const groups = (isLastResort ? channel.last : channel.ready)[lane];
    for (let group = groups.peekFront(); group !== undefined; group = groups.peekFront()) {
      // What is looked at again leaves its place among the last behind.
      if (group.turn !== (isLastResort ? 'last' : 'ready')) {
        groups.shift();
        continue;
      }
      const passage = this.hold.passageOf(channel.name, group.workspaceId, nowMs);
      const isCalled = firstReady(group.called) !== undefined;
      const isNew = firstReady(group.ready) !== undefined;
      const keys = isCalled && (passage.kind === 'free' || !isNew) ? group.called : group.ready;
      const keyQueue = keys.peekFront();
      const job = keyQueue?.jobs.peekFront();
      if (keyQueue === undefined || job === undefined) {
        groups.shift();
        group.turn = 'idle';
        this.dropIfEmpty(group);
        continue;
      }
      const sends = !this.sendsNothing(job);
      if (sends && !isLastResort && passage.kind !== 'free' && (passage.isRepeat || keys === group.called)) {
        groups.shift();
        group.turn = 'last';
        channel.last[lane].push(group);
        continue;
      }
      const heldMs = passage.kind === 'blocked' ? passage.waitMs : 0;
      const pausedMs = sends ? Math.max(heldMs, this.pauseOf(channel, group.workspaceId, nowMs)) : 0;
      if (pausedMs > 0) {
        groups.shift();
        this.parkGroup(group, nowMs + pausedMs);
        continue;
      }
      const refusal = sends ? this.limiter.reserve(job, nowMs) : null;
      if (refusal === null) {
        keys.shift();
        keyQueue.turn = 'out';
        groups.shift();
        group.turn = 'idle';
        this.offer(group);
        return job;
      }
      switch (refusal.scope) {
        case 'channel':
          channel.blockedUntilMs = nowMs + refusal.waitMs;
          return null;
        case 'workspace':
          groups.shift();
          this.parkGroup(group, nowMs + refusal.waitMs);
          break;
        case 'recipient':
          keys.shift();
          this.park(keyQueue, nowMs + refusal.waitMs, keys === group.called ? 'called' : 'first');
          break;
      }
    }
    return null;
  }

  private pauseOf({ pausedUntilMs }: ChannelQueues<J>, workspaceId: string, nowMs: number): number {
    if (pausedUntilMs.size === 0) return 0;
    const untilMs = pausedUntilMs.get(workspaceId) ?? 0;
    if (untilMs <= nowMs) pausedUntilMs.delete(workspaceId);
    return Math.max(0, untilMs - nowMs);
  }

  private wake(nowMs: number): void {
    for (let due = this.wakes.popDue(nowMs); due !== undefined; due = this.wakes.popDue(nowMs)) {
      const wake = due.value;
      if (!('group' in wake)) {
        const { keyQueue, waitId, place } = wake;
        if (keyQueue.turn === 'waiting' && keyQueue.waitId === waitId) this.makeReady(keyQueue, place);
      } else if (wake.group.wakeAtMs === due.atMs) {
        wake.group.wakeAtMs = Infinity;
        if (wake.group.turn === 'waiting') this.release(wake.group);
      }
    }
  }

  private park(keyQueue: KeyQueue<J>, untilMs: number, place: Place): void {
    keyQueue.turn = 'waiting';
    keyQueue.waitId = ++this.waitIds;
    this.wakes.push(untilMs, { keyQueue, waitId: keyQueue.waitId, place });
  }

  private parkGroup(group: Group<J>, untilMs: number): void {
    group.turn = 'waiting';
    // What waits for an answer is looked at again when that comes; what is woken earlier waits on then.
    if (untilMs >= group.wakeAtMs) return;
    group.wakeAtMs = untilMs;
    this.wakes.push(untilMs, { group });
  }

  private makeReady(keyQueue: KeyQueue<J>, place: Place): void {
    const { group } = keyQueue;
    keyQueue.turn = 'ready';
    if (place === 'first') group.ready.unshift(keyQueue);
    else if (place === 'last') group.ready.push(keyQueue);
    else group.called.push(keyQueue);
    this.offer(group);
  }

  /** What may probe only goes on to be among the last. */
  private look(group: Group<J>, nowMs: number): void {
    if (group.turn === 'waiting') this.release(group);
    else if (
      group.turn === 'last' &&
      this.hold.passageOf(group.channel.name, group.workspaceId, nowMs).kind === 'free'
    ) {
      this.release(group);
    }
  }

  private release(group: Group<J>): void {
    if (group.turn !== 'waiting' && group.turn !== 'last') return;
    group.turn = 'idle';
    this.offer(group);
    this.dropIfEmpty(group);
  }

  private offer(group: Group<J>): void {
    if (group.turn !== 'idle' || (group.ready.isEmpty() && group.called.isEmpty())) return;
    group.turn = 'ready';
    group.channel.ready[group.lane].push(group);
  }

  /** The next command of a key may belong to another workspace than the last one did. */
  private regroup(keyQueue: KeyQueue<J>): void {
    const job = keyQueue.jobs.peekFront();
    if (job === undefined) return;
    if (job.workspaceId === keyQueue.group.workspaceId) {
      this.makeReady(keyQueue, 'last');
      return;
    }
    const { owner, jobs } = keyQueue;
    this.drop(keyQueue);
    const group = this.groupOf(job);
    const moved = newKeyQueue(job.key, jobs, owner, group);
    owner.keys.set(job.key, moved);
    group.keys++;
    this.makeReady(moved, 'last');
  }

  private drop(keyQueue: KeyQueue<J>): void {
    keyQueue.turn = 'gone';
    keyQueue.group.keys--;
    this.dropIfEmpty(keyQueue.group);
    keyQueue.owner.keys.delete(keyQueue.key);
  }

  private dropIfEmpty(group: Group<J>): void {
    if (group.keys === 0 && group.turn === 'idle') group.channel.groups[group.lane].delete(group.workspaceId);
  }

  private groupOf(job: J): Group<J> {
    const channel = this.queuesOf(job.channel);
    const groups = channel.groups[job.lane];
    let group = groups.get(job.workspaceId);
    if (group === undefined) {
      group = newGroup(channel, job.lane, job.workspaceId);
      groups.set(job.workspaceId, group);
    }
    return group;
  }

  private queuesOf(channel: Channel): ChannelQueues<J> {
    let queues = this.byName.get(channel);
    if (queues === undefined) {
      queues = newChannelQueues(channel);
      this.byName.set(channel, queues);
      this.channels.push(queues);
    }
    return queues;
  }
}
