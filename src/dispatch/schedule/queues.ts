import Denque from 'denque';
import type { Channel, Lane } from '../../contract/channels';
import type { Sender } from './rate-limiter';

/** What the scheduler knows of a command. */
export interface Schedulable extends Sender {
  readonly lane: Lane;
  /** Commands of one partition with one key go out one at a time, in the order in which they were added. */
  readonly key: string;
}

/** The commands of one key of one partition. Its turn is where it stands, see the class comment of Scheduler. */
export interface KeyQueue<J> {
  readonly key: string;
  readonly jobs: Denque<J>;
  readonly owner: PartitionQueues<J>;
  readonly group: Group<J>;
  turn: 'ready' | 'out' | 'waiting' | 'gone';
  /** Which wait is the current one: an earlier wake-up call is void. */
  waitId: number;
}

/** The keys of one workspace in one lane of a channel that could be sent next. */
export interface Group<J> {
  readonly channel: ChannelQueues<J>;
  readonly lane: Lane;
  readonly workspaceId: string;
  readonly ready: Denque<KeyQueue<J>>;
  /** Those of them whose command has been called before. They go first, but as probes only after the others. */
  readonly called: Denque<KeyQueue<J>>;
  keys: number;
  /** `last`: it has something to probe with, which goes after what other workspaces have. */
  turn: 'idle' | 'ready' | 'waiting' | 'last';
  /** When it is woken; Infinity for not at all. */
  wakeAtMs: number;
}

export interface ChannelQueues<J> {
  readonly name: Channel;
  readonly groups: Record<Lane, Map<string, Group<J>>>;
  readonly ready: Record<Lane, Denque<Group<J>>>;
  /** Groups whose turn is `last`, and some that have had it. */
  readonly last: Record<Lane, Denque<Group<J>>>;
  /** Workspaces that the API told to wait, and until when. */
  readonly pausedUntilMs: Map<string, number>;
  /** When pauses that are over were last forgotten. */
  sweptAtMs: number;
  blockedUntilMs: number;
  /** Commands handed out since the last one of the bulk lane. */
  sinceBulk: number;
}

/** The waiting commands of one partition, by key. */
export interface PartitionQueues<J> {
  readonly keys: Map<string, KeyQueue<J>>;
}

export function newChannelQueues<J>(name: Channel): ChannelQueues<J> {
  return {
    name,
    groups: { transactional: new Map(), bulk: new Map() },
    ready: { transactional: new Denque(), bulk: new Denque() },
    last: { transactional: new Denque(), bulk: new Denque() },
    pausedUntilMs: new Map(),
    sweptAtMs: -Infinity,
    blockedUntilMs: 0,
    sinceBulk: 0,
  };
}

export function newGroup<J>(channel: ChannelQueues<J>, lane: Lane, workspaceId: string): Group<J> {
  return {
    channel,
    lane,
    workspaceId,
    ready: new Denque(),
    called: new Denque(),
    keys: 0,
    turn: 'idle',
    wakeAtMs: Infinity,
  };
}

export function newKeyQueue<J>(key: string, jobs: Denque<J>, owner: PartitionQueues<J>, group: Group<J>): KeyQueue<J> {
  return { key, jobs, owner, group, turn: 'ready', waitId: 0 };
}

/** The first key that still is ready; those given up meanwhile are removed on the way. */
export function firstReady<J>(ready: Denque<KeyQueue<J>>): KeyQueue<J> | undefined {
  for (let first = ready.peekFront(); first !== undefined; first = ready.peekFront()) {
    if (first.turn === 'ready') return first;
    ready.shift();
  }
  return undefined;
}
