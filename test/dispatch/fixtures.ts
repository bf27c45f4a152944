import type { Delay, RateLimit } from '../../src/config/config';
import { type Channel, CHANNELS, type Delivery, type Lane } from '../../src/contract/channels';
import { Topics } from '../../src/contract/topics';
import type { Headers } from '../../src/contract/headers';
import type { Settled } from '../../src/contract/outcome';
import type { Command } from '../../src/contract/command';
import { OPERATIONS } from '../../src/contract/operations';
import type { IncomingRecord } from '../../src/contract/record';
import type { Clock } from '../../src/dispatch/clock';
import { Dispatcher } from '../../src/dispatch/dispatcher';
import type { Ending } from '../../src/dispatch/ports';
import { Job, type Parked } from '../../src/dispatch/job';
import type { JobSource, UnrecordedCount } from '../../src/dispatch/job-source';
import { type Limits, LocalRateLimiter, type Scope } from '../../src/dispatch/schedule/rate-limiter';
import { SlowStart } from '../../src/dispatch/schedule/slow-start';
import type { CallResult } from '../../src/messages-api/call-result';
import type { Telemetry } from '../../src/observability/telemetry';
import { MemorySettledStore } from '../../src/settlement/memory-settled-store';
import type { SettledStore } from '../../src/settlement/settled-store';

const NO_LIMIT = { channel: null, workspace: null, recipient: null };

/** Limits of WhatsApp and Telegram alike; the other channels have none. */
export function limitsOf(scopes: Partial<Record<Scope, RateLimit>>): Limits {
  const limited = { ...NO_LIMIT, ...scopes };
  return { whatsapp: limited, telegram: limited, messenger: NO_LIMIT, instagram: NO_LIMIT };
}

export const fixedLimits: Limits = limitsOf({});

/** Time that passes only when a test says so; timers run in due order on the way. */
export class FakeClock implements Clock {
  private nowMs = 1_000_000;
  private readonly timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  /** What the wall clock shows when the monotonic one shows 0. */
  wallOffsetMs = 1_700_000_000_000;

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs + this.wallOffsetMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  soon(run: () => void): void {
    queueMicrotask(run);
  }

  get timerCount(): number {
    return this.timers.size;
  }

  /** Lets `ms` pass, with everything that is due and all promises that it resolves. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settlePromises();
    for (let next = this.nextDue(untilMs); next !== undefined; next = this.nextDue(untilMs)) {
      this.timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
      await settlePromises();
    }
    this.nowMs = untilMs;
  }

  /** Moves time without running what is due, as a blocked event loop would. */
  block(ms: number): void {
    this.nowMs += ms;
  }

  private nextDue(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    let next: { readonly atMs: number; readonly run: () => void } | undefined;
    for (const timer of this.timers) if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
    return next;
  }
}

async function settlePromises(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

/** Reports nothing. */
export const silentTelemetry: Telemetry = {
  read: () => undefined,
  settled: () => undefined,
  called: () => undefined,
  replayed: () => undefined,
  sentToRetryTopic: () => undefined,
  retried: () => undefined,
  limitWaited: () => undefined,
  published: () => undefined,
  publishFailed: () => undefined,
  replyFailed: () => undefined,
  committed: () => undefined,
  consumerCrashed: () => undefined,
  offsetReset: () => undefined,
  watch: () => undefined,
};

/** A partition that notes what became of its records. */
export class FakeSource implements JobSource {
  isOwned = true;
  maySend = true;
  readonly settledOffsets: number[] = [];
  readonly forgottenOffsets: number[] = [];
  /** Whether commits go through. */
  isCommitting = true;
  private uncommitted: UnrecordedCount[] = [];

  constructor(readonly queues: JobSource['queues'] = { keys: new Map() }) {}

  settled(record: IncomingRecord, unrecorded: UnrecordedCount | null): void {
    this.settledOffsets.push(record.offset);
    if (unrecorded !== null) this.uncommitted.push(unrecorded);
    if (this.isCommitting) this.commit();
  }

  commit(): void {
    for (const unrecorded of this.uncommitted.splice(0)) unrecorded.remove(1);
  }

  forgotten(record: IncomingRecord): void {
    this.forgottenOffsets.push(record.offset);
  }
}

export interface JobFields {
  readonly key?: string;
  readonly workspaceId?: string;
  readonly recipient?: string;
  readonly channel?: Channel;
  readonly lane?: Lane;
  readonly delivery?: Delivery;
  readonly expiresAtMs?: number | null;
  readonly source?: JobSource;
  readonly id?: string;
  readonly body?: string;
  readonly headers?: Headers;
  readonly parked?: Parked;
}

let offsets = 0;

/** A command with its own id and offset; by default one key, one workspace, WhatsApp, transactional, at least once. */
export function newJob(fields: JobFields = {}): Job {
  const { key = 'k-1', workspaceId = 'w-1', channel = 'whatsapp', lane = 'transactional' } = fields;
  const { recipient = key, delivery = 'at-least-once', expiresAtMs = null, source = new FakeSource() } = fields;
  const offset = offsets++;
  const operation = OPERATIONS.find((each) => each.channel === channel);
  if (operation === undefined) throw new Error(`no operation on ${channel}`);
  const { id = `c-${offset}`, body = '{}', headers = {}, parked = null } = fields;
  const command = { id, operation, workspaceId, recipient, body, expiresAtMs, delivery };
  const topic = `messages.commands.${channel}`;
  const record = { topic, partition: 0, offset, timestampMs: 0, key, value: null, headers };
  return new Job(command, record, source, key, lane, delivery, parked);
}

export const ACCEPTED: CallResult = {
  kind: 'accepted',
  httpStatus: 200,
  response: { id: 'm', status: 'queued', error: '' },
};
export const REJECTED: CallResult = {
  kind: 'rejected',
  httpStatus: 400,
  response: { id: '', status: '', error: 'no' },
};
export const REFUSED: CallResult = { kind: 'not-sent', reason: 'connect', httpStatus: null, detail: 'connect' };
export const TIMED_OUT: CallResult = { kind: 'perhaps-sent', reason: 'timeout', httpStatus: null, detail: 'timeout' };
export const UNAUTHORIZED: CallResult = {
  kind: 'unauthorized',
  httpStatus: 401,
  response: { id: '', status: '', error: 'HTTP 401' },
};
export const FORBIDDEN: CallResult = {
  kind: 'forbidden',
  httpStatus: 403,
  response: { id: 'm-403', status: 'refused', error: 'not allowed' },
};
export const status = (httpStatus: number): CallResult => ({
  kind: 'perhaps-sent',
  reason: 'status',
  httpStatus,
  detail: `HTTP ${httpStatus}`,
});
export const limited = (retryAfterMs: number | null): CallResult => ({
  kind: 'limited',
  httpStatus: 429,
  retryAfterMs,
  detail: 'HTTP 429',
});

export interface WorldOptions {
  readonly maxInFlight?: number;
  readonly maxUnrecorded?: number;
  readonly maxAttempts?: number;
  readonly random?: () => number;
  readonly latencyMs?: () => number;
  readonly settleMs?: () => number;
  readonly limits?: Limits;
  readonly callTimeoutMs?: number;
  readonly delays?: readonly Delay[];
  readonly store?: SettledStore;
  /** Whether it is that of a process that has just started. */
  readonly isSlowAtFirst?: boolean;
}

/** Every workspace has the key `usual`, unless a test gives it another. */
class FakeKeys {
  readonly own = new Map<string, string>();

  keyOf(workspaceId: string): string {
    return this.own.get(workspaceId) ?? 'usual';
  }

  has(key: string): boolean {
    return key === 'usual' || [...this.own.values()].includes(key);
  }

  get size(): number {
    return new Set(['usual', ...this.own.values()]).size;
  }
}

/** One call as the fake API saw it. */
export interface SeenCall {
  readonly job: Job;
  readonly atMs: number;
  endMs: number | null;
}

/** A dispatcher whose time, API and settlement belong to the test. */
export class World {
  readonly clock = new FakeClock();
  readonly source = new FakeSource();
  readonly calls: SeenCall[] = [];
  readonly outcomes = new Map<Job, Settled[]>();
  readonly halts: boolean[] = [];
  readonly dispatcher: Dispatcher;
  readonly endings = new Map<Job, Ending>();
  readonly parked: { readonly job: Job; readonly round: number }[] = [];
  /** Workspaces in whose calls the key was refused, as far as that was reported. */
  readonly keyRefusals: string[] = [];
  readonly keys = new FakeKeys();
  /** What the API answers from now on. */
  answer: (job: Job, startedMs: number) => CallResult = () => ACCEPTED;
  latencyMs: () => number;
  settleMs: () => number;
  /** From the beginning of a call until it leaves. */
  connectMs = 0;
  private readonly jobs = new Map<Command, Job>();
  /** Overrides `latencyMs` for each call. */
  latencyOf: ((job: Job) => number) | null = null;
  readonly startMs = this.clock.monotonicMs();

  constructor(options: WorldOptions = {}) {
    const { maxInFlight = 256, maxAttempts = 5, limits = fixedLimits, callTimeoutMs = 10_000 } = options;
    this.latencyMs = options.latencyMs ?? (() => 10);
    this.settleMs = options.settleMs ?? (() => 0);
    const retry = { maxAttempts, baseDelayMs: 200, maxDelayMs: 30_000, retryAfterMaxMs: 3_600_000 };
    this.dispatcher = new Dispatcher({
      config: { maxInFlight, retry, retryTopicDelays: options.delays ?? [] },
      callTimeoutMs,
      clock: this.clock,
      random: options.random ?? (() => 0.5),
      limiter: new LocalRateLimiter(limits),
      slowStart: new SlowStart(options.isSlowAtFirst === true ? maxInFlight : 0),
      topics: new Topics('messages.').commands(CHANNELS),
      maxUnrecorded: options.maxUnrecorded ?? 1_000_000,
      keys: this.keys,
      store: options.store ?? new MemorySettledStore({ ttlMs: 3_600_000, maxCommands: 1_000, nowMs: () => this.nowMs }),
      telemetry: silentTelemetry,
    });
    this.dispatcher.connect(
      {
        send: async (command, permit) => {
          const job = this.jobs.get(command);
          if (job === undefined) throw new Error('a command that was never added');
          if (this.connectMs > 0) await this.sleep(this.connectMs);
          if (!permit.maySend) return { kind: 'withdrawn' };
          const call: SeenCall = { job, atMs: this.nowMs, endMs: null };
          this.calls.push(call);
          const startedMs = this.nowMs;
          await this.sleep(this.latencyOf?.(job) ?? this.latencyMs());
          call.endMs = this.nowMs;
          return this.answer(job, startedMs);
        },
        settle: (job, ending, done) => {
          this.outcomes.set(job, [...(this.outcomes.get(job) ?? []), ending.settled]);
          this.endings.set(job, ending);
          const settle = async (): Promise<void> => {
            await this.sleep(this.settleMs());
            done();
          };
          void settle();
        },
        park: async (job, _settled, round) => {
          this.parked.push({ job, round });
          await this.sleep(this.settleMs());
        },
      },
      {
        onHalted: (halted) => this.halts.push(halted),
        onShut: () => undefined,
        onChannelShut: () => undefined,
        onKeyRefused: (_status, workspaceId) => this.keyRefusals.push(workspaceId),
      },
    );
  }

  /** Milliseconds since the test began. */
  get nowMs(): number {
    return this.clock.monotonicMs() - this.startMs;
  }

  add(...fields: JobFields[]): Job[] {
    const jobs = fields.map((each) => newJob({ source: this.source, ...each }));
    for (const job of jobs) {
      this.jobs.set(job.command, job);
      this.dispatcher.add(job);
    }
    this.dispatcher.pump();
    return jobs;
  }

  addOne(fields: JobFields = {}): Job {
    const [job] = this.add(fields);
    if (job === undefined) throw new Error('unreachable');
    return job;
  }

  /** Commands of a channel that were added and are neither settled nor on the wire. */
  waitingOf(channel: Channel): number {
    let count = 0;
    for (const job of this.jobs.values()) if (job.channel === channel && !this.outcomes.has(job)) count++;
    return count;
  }

  outcomeOf(job: Job): string | undefined {
    return this.outcomes.get(job)?.[0]?.outcome;
  }

  callTimesOf(job: Job): number[] {
    return this.calls.filter((call) => call.job === job).map((call) => call.atMs);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms);
  }

  private sleep(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.clock.after(ms, resolve));
  }
}

/** One key each. */
export function keys(count: number, fields: JobFields = {}): JobFields[] {
  return Array.from({ length: count }, (_, i) => ({ key: `${fields.key ?? 'k'}-${i}`, ...withoutKey(fields) }));
}

function withoutKey({ key: _key, ...rest }: JobFields): JobFields {
  return rest;
}

/** A small seeded generator (mulberry32), so that long simulations repeat. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
