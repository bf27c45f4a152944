import Denque from 'denque';
import { type Channel, type Lane, LANES } from '../../contract/channels';
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

/** Whose turn it is: a command, or nobody's for a while (`Infinity`: until something is added, completed or retried). */
export type Turn<J> = { readonly job: J } | { readonly waitMs: number };

/** What keeps commands waiting for other reasons than limits. */
export interface Hold {
  /** For how long a workspace's commands wait; 0 where they may go. */
  workspaceMs(workspaceId: string, nowMs: number): number;
  /** Whether a channel's commands wait until a call of any channel comes back. */
  isFull(channel: Channel, nowMs: number): boolean;
  /** Whether a lane's commands wait until what was sent of it is recorded. */
  isUnrecorded(channel: Channel, lane: Lane): boolean;
}

/** While both lanes have something to send, one in so many commands of a channel is of the bulk lane. */
const BULK_ONE_IN = 5;
const BULK_FIRST: readonly Lane[] = LANES.toReversed();

const NO_HOLD: Hold = { workspaceMs: () => 0, isFull: () => false, isUnrecorded: () => false };

type Wake<J> =
  | { readonly keyQueue: KeyQueue<J>; readonly waitId: number; readonly place: 'first' | 'last' }
  | { readonly group: Group<J>; readonly waitId: number };

/**
 * Chooses the next command. Channels take turns; within a channel the transactional lane goes first, but for every fifth
 * turn; within a lane workspaces take turns, and within a workspace keys do. What a limit holds back steps aside, alone or with everything the
 * same limit holds, so nothing else waits for it. Every operation is O(log n) in the commands held.
 *
 * A key is `ready` (its first command may be sent), `out` (its first command was handed out and has not come back), `waiting`
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
    let waitMs = this.wakes.nextAtMs() - nowMs;
    for (let i = 0; i < this.channels.length; i++) {
      const index = (this.turnOf + i) % this.channels.length;
      const channel = this.channels[index];
      if (channel === undefined) continue;
      const job = this.nextOf(channel, nowMs);
      if (job !== null) {
        this.turnOf = index + 1;
        return { job };
      }
      if (channel.blockedUntilMs > nowMs) waitMs = Math.min(waitMs, channel.blockedUntilMs - nowMs);
    }
    return { waitMs: Math.max(0, Math.min(waitMs, this.wakes.nextAtMs() - nowMs)) };
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

  /**
   * A command handed out is to be handed out again from `atMs` on; until then its key keeps its turn. It goes before the other
   * keys of its workspace that are ready by then, or `last`, after them.
   */
  retryAt(partition: PartitionQueues<J>, job: J, atMs: number, place: 'first' | 'last' = 'first'): void {
    const keyQueue = partition.keys.get(job.key);
    if (keyQueue?.turn === 'out' && keyQueue.jobs.peekFront() === job) this.park(keyQueue, atMs, place);
  }

  /** A command waiting for its retry is handed out as soon as its turn comes. */
  hasten(partition: PartitionQueues<J>, job: J): void {
    const keyQueue = partition.keys.get(job.key);
    if (keyQueue?.turn === 'waiting' && keyQueue.jobs.peekFront() === job) this.makeReady(keyQueue, 'first');
  }

  /** Nothing of this workspace on this channel is handed out before `untilMs`. A later instant wins over an earlier one. */
  pauseWorkspace(channel: Channel, workspaceId: string, untilMs: number): void {
    const { pausedUntilMs } = this.queuesOf(channel);
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

  /** For how long the API's own limits or a hold keep the command's workspace waiting; 0 where it may go. */
  pauseMs(job: J, nowMs: number): number {
    return this.pauseOf(this.queuesOf(job.channel), job.workspaceId, nowMs);
  }

  /** What waits with its whole workspace is looked at again: what it waited for may be over. */
  reconsider(): void {
    for (const { groups } of this.channels) {
      for (const lane of LANES) {
        for (const group of groups[lane].values()) {
          if (group.turn !== 'waiting') continue;
          group.turn = 'idle';
          group.waitId = ++this.waitIds;
          this.offer(group);
          this.dropIfEmpty(group);
        }
      }
    }
  }

  private nextOf(channel: ChannelQueues<J>, nowMs: number): J | null {
    if (channel.blockedUntilMs > nowMs || this.hold.isFull(channel.name, nowMs)) return null;
    for (const lane of channel.sinceBulk + 1 < BULK_ONE_IN ? LANES : BULK_FIRST) {
      if (this.hold.isUnrecorded(channel.name, lane)) continue;
      const job = this.nextOfLane(channel, lane, nowMs);
      if (channel.blockedUntilMs > nowMs) return null;
      if (job === null) continue;
      channel.sinceBulk = lane === 'bulk' ? 0 : channel.sinceBulk + 1;
      return job;
    }
    return null;
  }

  private nextOfLane(channel: ChannelQueues<J>, lane: Lane, nowMs: number): J | null {
    const groups = channel.ready[lane];
    for (let group = groups.peekFront(); group !== undefined; group = groups.peekFront()) {
      const keyQueue = firstReady(group.ready);
      const job = keyQueue?.jobs.peekFront();
      if (keyQueue === undefined || job === undefined) {
        groups.shift();
        group.turn = 'idle';
        this.dropIfEmpty(group);
        continue;
      }
      const sends = !this.sendsNothing(job);
      const pausedMs = sends ? this.pauseOf(channel, group.workspaceId, nowMs) : 0;
      if (pausedMs > 0) {
        groups.shift();
        this.parkGroup(group, nowMs + pausedMs);
        continue;
      }
      const refusal = sends ? this.limiter.reserve(job, nowMs) : null;
      if (refusal === null) {
        group.ready.shift();
        keyQueue.turn = 'out';
        groups.shift();
        if (group.ready.isEmpty()) group.turn = 'idle';
        else groups.push(group);
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
          group.ready.shift();
          this.park(keyQueue, nowMs + refusal.waitMs);
          break;
      }
    }
    return null;
  }

  private pauseOf({ pausedUntilMs }: ChannelQueues<J>, workspaceId: string, nowMs: number): number {
    const holdMs = this.hold.workspaceMs(workspaceId, nowMs);
    if (pausedUntilMs.size === 0) return holdMs;
    const untilMs = pausedUntilMs.get(workspaceId) ?? 0;
    if (untilMs <= nowMs) pausedUntilMs.delete(workspaceId);
    return Math.max(holdMs, untilMs - nowMs);
  }

  private wake(nowMs: number): void {
    for (let due = this.wakes.popDue(nowMs); due !== undefined; due = this.wakes.popDue(nowMs)) {
      const wake = due.value;
      if ('group' in wake) {
        if (wake.group.waitId !== wake.waitId) continue;
        wake.group.turn = 'idle';
        this.offer(wake.group);
        this.dropIfEmpty(wake.group);
      } else if (wake.keyQueue.turn === 'waiting' && wake.keyQueue.waitId === wake.waitId) {
        this.makeReady(wake.keyQueue, wake.place);
      }
    }
  }

  private park(keyQueue: KeyQueue<J>, untilMs: number, place: 'first' | 'last' = 'first'): void {
    keyQueue.turn = 'waiting';
    keyQueue.waitId = ++this.waitIds;
    this.wakes.push(untilMs, { keyQueue, waitId: keyQueue.waitId, place });
  }

  private parkGroup(group: Group<J>, untilMs: number): void {
    group.turn = 'waiting';
    group.waitId = ++this.waitIds;
    // What waits for an answer is looked at again when that comes.
    if (untilMs !== Infinity) this.wakes.push(untilMs, { group, waitId: group.waitId });
  }

  private makeReady(keyQueue: KeyQueue<J>, place: 'first' | 'last'): void {
    keyQueue.turn = 'ready';
    if (place === 'first') keyQueue.group.ready.unshift(keyQueue);
    else keyQueue.group.ready.push(keyQueue);
    this.offer(keyQueue.group);
  }

  private offer(group: Group<J>): void {
    if (group.turn !== 'idle' || group.ready.isEmpty()) return;
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
