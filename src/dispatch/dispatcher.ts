import type { Config } from '../config/config';
import type { Command } from '../contract/command';
import type { Outcome, Settled } from '../contract/outcome';
import { fullJitter } from '../messages-api/backoff';
import type { CallResult } from '../messages-api/call-result';
import type { Telemetry } from '../observability/telemetry';
import type { Passage } from './breaker';
import { Circuit } from './circuit';
import type { Clock } from './clock';
import { Credential } from './credential';
import type { Job } from './job';
import type { JobSource } from './job-source';
import { LimitedScopes } from './limited-scopes';
import type { RateLimiter } from './rate-limiter';
import { Scheduler } from './scheduler';
import { isApiFailure, isCommandsOwnFailure, isSuccess, judge, type RetryReason } from './verdict';

/** One call to the Messages API; never rejects. */
export type SendCommand = (command: Command) => Promise<CallResult>;
/** Publishes how a command ended; resolves once that is acknowledged, however long it takes. */
export type SettleJob = (job: Job, settled: Settled) => Promise<void>;

/** What the dispatcher tells the rest of the service. */
export interface DispatchListener {
  /** Nothing may be sent for a while (true), or again (false): consumption pauses and resumes with it. */
  onHalted(halted: boolean): void;
  /** The API refused the key, once more: at most once a minute. */
  onKeyRefused(httpStatus: number | null): void;
}

/** A call that came back. */
interface Call {
  readonly startedMs: number;
  readonly endedMs: number;
  /** Whether it was sent to find out if circuit and credential may close. */
  readonly isProbe: boolean;
}

interface Deps {
  readonly config: Config['dispatch'];
  /** Deadline of one call: longer ones mean that dispatch is stuck. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limiter: RateLimiter;
  readonly telemetry: Telemetry;
  readonly send: SendCommand;
  readonly settle: SettleJob;
  readonly listener: DispatchListener;
}

/** Until the next look at a partition whose group has not heard of this replica for a session timeout. */
const UNTRUSTED_MS = 200;
const KEY_REFUSED_APART_MS = 60_000;
/** `Retry-After: 0` asks for no wait, and would be answered at wire speed. */
const LEAST_WAIT_MS = 100;
/** Longest sleep between two looks at the scheduler; a wait that ends later is looked at again. */
const MAX_SLEEP_MS = 60_000;

/**
 * Takes valid commands to their outcomes: chooses the next (Scheduler), sends it while slots, circuit and credential allow,
 * and settles it or lets it wait for another try. A command that waits holds its key's turn, but no slot.
 */
export class Dispatcher {
  private readonly scheduler: Scheduler<Job>;
  private readonly circuit = new Circuit();
  private readonly credential = new Credential<Job>();
  private readonly limited = new LimitedScopes();
  /** When each call on the wire started; the oldest is first. */
  private readonly calls = new Map<Job, number>();
  /** Probes in vain, and when each may be sent again: after every other key, or once a probe has helped. */
  private readonly probedInVain = new Map<Job, number>();
  private settlingCount = 0;
  private stopped = false;
  private halted = false;
  private wakeAtMs = 0;
  private keyRefusedAtMs = -Infinity;
  private cancelWake: (() => void) | null = null;
  private readonly idle = Promise.withResolvers<void>();

  constructor(private readonly deps: Deps) {
    const limiter: RateLimiter = {
      reserve: (sender, nowMs) => {
        const refusal = deps.limiter.reserve(sender, nowMs);
        if (refusal !== null) deps.telemetry.limitWaited(sender.channel, refusal.waitMs);
        return refusal;
      },
    };
    this.scheduler = new Scheduler(limiter, (job) => job.decided !== null || job.isExpired(deps.clock.wallMs()));
  }

  get inFlight(): number {
    return this.calls.size;
  }

  get waiting(): number {
    return this.scheduler.size - this.calls.size;
  }

  /**
   * For how long something that should have happened has not: a call that outlived its deadline, or a wake-up that did not
   * come. Beyond some seconds the dispatch loop is stuck.
   */
  overdueMs(): number {
    const nowMs = this.deps.clock.monotonicMs();
    const [oldestStartMs] = this.calls.values();
    const callMs = oldestStartMs === undefined ? 0 : nowMs - oldestStartMs - this.deps.callTimeoutMs;
    const wakeMs = this.cancelWake === null ? 0 : nowMs - this.wakeAtMs;
    return Math.max(0, callMs, wakeMs);
  }

  get isCircuitOpen(): boolean {
    return this.circuit.isOpen;
  }

  get isCredentialRefused(): boolean {
    return this.credential.isRefused;
  }

  openPartition(): JobSource['queues'] {
    return this.scheduler.openPartition();
  }

  /** Adds a command; `pump` starts it. Commands of one key of a partition must be added in offset order. */
  add(job: Job): void {
    this.scheduler.add(job.source.queues, job);
  }

  /** Starts whatever may start now. To be called after `add`; everything else calls it by itself. */
  pump(): void {
    this.cancelWake?.();
    this.cancelWake = null;
    while (!this.stopped && this.calls.size < this.deps.config.maxInFlight) {
      const nowMs = this.deps.clock.monotonicMs();
      const passage = this.passage(nowMs);
      if (passage.kind === 'blocked') {
        this.sleep(passage.waitMs);
        return;
      }
      const turn = this.scheduler.next(nowMs);
      if (!('job' in turn)) {
        if (passage.kind === 'probe' && this.releaseProbed()) continue;
        this.sleep(turn.waitMs);
        return;
      }
      this.start(turn.job, passage);
    }
  }

  /** Gives up the waiting commands of a partition that was lost; those on the wire go on to their outcome. */
  discard(source: JobSource): void {
    for (const job of this.scheduler.discardWaiting(source.queues)) this.giveUp(job);
    for (const job of this.probedInVain.keys()) {
      if (job.source !== source) continue;
      this.scheduler.complete(source.queues, job);
      this.giveUp(job);
    }
  }

  /** Starts nothing more, and resolves once what is on the wire is settled; a settlement may outlast any deadline of its caller. */
  async drain(): Promise<void> {
    this.stopped = true;
    this.cancelWake?.();
    this.cancelWake = null;
    this.checkIdle();
    await this.idle.promise;
  }

  private start(job: Job, passage: Passage): void {
    const ended = job.decided ?? this.expired(job);
    if (ended !== null) {
      void this.end(job, ended);
      return;
    }
    if (!job.source.maySend) {
      this.scheduler.retryAt(job.source.queues, job, this.deps.clock.monotonicMs() + UNTRUSTED_MS);
      return;
    }
    const isProbe = passage.kind === 'probe';
    if (isProbe) {
      this.circuit.probing();
      this.credential.probing();
    }
    void this.attempt(job, isProbe);
  }

  /** The whole life of one call: send, tell circuit and credential, then settle or wait. */
  private async attempt(job: Job, isProbe: boolean): Promise<void> {
    const { clock, telemetry, send } = this.deps;
    const startedMs = clock.monotonicMs();
    this.calls.set(job, startedMs);
    const result = await send(job.command);
    const call: Call = { startedMs, endedMs: clock.monotonicMs(), isProbe };
    job.calls++;
    job.httpStatus = result.httpStatus;
    telemetry.called(job.channel, job.command.operation.type, result.httpStatus, call.endedMs - startedMs);
    this.observe(job, result, call);
    this.follow(job, result, call);
    this.calls.delete(job);
    this.pump();
    this.checkIdle();
  }

  private observe(job: Job, result: CallResult, { endedMs, isProbe }: Call): void {
    const succeeded = isSuccess(result);
    if (isApiFailure(result)) this.circuit.failure(job, job.keyId, endedMs, isProbe);
    else this.circuit.success(endedMs, isProbe);
    if (isProbe) this.credential.probed(succeeded, endedMs);
    if (succeeded) {
      this.releaseHeld(job);
      this.limited.served(job.channel, job.workspaceId);
    }
    this.reportHalt();
  }

  private follow(job: Job, result: CallResult, call: Call): void {
    const verdict = judge(result, job.delivery);
    switch (verdict.kind) {
      case 'settle':
        void this.end(job, {
          ...verdict,
          attempts: job.calls,
          httpStatus: job.httpStatus,
        });
        return;
      case 'limited':
        this.waitForLimit(job, verdict.retryAfterMs, call);
        return;
      case 'unauthorized':
        this.credential.unauthorized(call.endedMs);
        this.refused(job, result, call);
        return;
      case 'forbidden':
        this.followForbidden(job, result, call);
        return;
      case 'retry':
        job.perhapsSent ||= verdict.perhapsSent;
        job.failures.push({
          ...call,
          excusable: !(call.isProbe && isCommandsOwnFailure(result)),
        });
        this.retry(job, verdict.reason, 'detail' in result ? result.detail : '', call);
    }
  }

  private retry(job: Job, reason: RetryReason, detail: string, call: Call): void {
    const { retry } = this.deps.config;
    const spent = this.spentAttempts(job);
    const firstMs = job.failures[0]?.endedMs ?? call.endedMs;
    if (spent >= retry.maxAttempts && !this.circuit.suspects(firstMs, call.endedMs)) {
      void this.end(job, settledWithout('failed', job, detail));
      return;
    }
    this.deps.telemetry.retried(job.channel, reason);
    this.wait(job, fullJitter(retry, Math.max(1, spent), this.deps.random), call);
  }

  /** Failures that are not an outage's. */
  private spentAttempts(job: Job): number {
    return job.failures.filter((f) => !(f.excusable && this.circuit.excuses(f.startedMs, f.endedMs))).length;
  }

  /**
   * A limit of the API holds back the command's workspace on its channel, and uses up no attempt. Where the API keeps
   * refusing this command while it serves others of the workspace, the command alone waits, and each further refusal is
   * an attempt.
   */
  private waitForLimit(job: Job, retryAfterMs: number | null, call: Call): void {
    const { retry } = this.deps.config;
    const standing = this.limited.refused(job, call.startedMs, call.endedMs);
    const waitMs =
      retryAfterMs === null
        ? fullJitter(retry, standing.consecutive, this.deps.random)
        : Math.min(Math.max(retryAfterMs, LEAST_WAIT_MS), retry.retryAfterMaxMs);
    this.deps.telemetry.retried(job.channel, 'limited');
    switch (standing.affects) {
      case 'workspace':
        this.scheduler.pauseWorkspace(job.channel, job.workspaceId, call.endedMs + waitMs);
        break;
      case 'command':
        break;
      case 'attempt':
        job.failures.push({ ...call, excusable: false });
        if (this.spentAttempts(job) >= retry.maxAttempts) {
          void this.end(job, settledWithout('failed', job, 'the API limits this command while it serves others'));
          return;
        }
    }
    this.wait(job, waitMs, call);
  }

  private followForbidden(job: Job, result: CallResult, call: Call): void {
    const verdict = this.credential.forbidden(job, call.endedMs);
    if (verdict === 'reject') void this.end(job, forbidden(job));
    else if (verdict === 'credential') this.refused(job, result, call);
    else this.wait(job, verdict.holdMs, call);
  }

  private refused(job: Job, result: CallResult, call: Call): void {
    this.reportHalt();
    this.wait(job, 0, call);
    if (call.endedMs - this.keyRefusedAtMs < KEY_REFUSED_APART_MS) return;
    this.keyRefusedAtMs = call.endedMs;
    this.deps.listener.onKeyRefused(result.httpStatus);
  }

  /** The credential works: what was held for a 403 of its own is rejected now, unless it is just being asked again. */
  private releaseHeld(job: Job): void {
    for (const held of this.credential.success(job)) {
      if (this.calls.has(held)) continue;
      held.decided = forbidden(held);
      this.scheduler.hasten(held.source.queues, held);
    }
  }

  /** Another try after `delayMs`. A probe in vain lets all other keys go first: it may be in vain for its own fault. */
  private wait(job: Job, delayMs: number, call: Call): void {
    const { queues, isOwned } = job.source;
    const atMs = call.endedMs + delayMs;
    if (!isOwned) {
      this.scheduler.complete(queues, job);
      this.giveUp(job);
    } else if (call.isProbe && this.halted) this.probedInVain.set(job, atMs);
    else this.scheduler.retryAt(queues, job, atMs);
  }

  /** Lets the oldest probe in vain have its next turn; false where there is none. */
  private releaseProbed(): boolean {
    const [oldest] = this.probedInVain;
    if (oldest === undefined) return false;
    const [job, atMs] = oldest;
    this.probedInVain.delete(job);
    this.scheduler.retryAt(job.source.queues, job, atMs);
    return true;
  }

  private giveUp(job: Job): void {
    this.credential.forget(job);
    this.probedInVain.delete(job);
    job.source.forgotten(job.record);
  }

  /** Publishes the outcome; the key's next command may go out meanwhile. */
  private async end(job: Job, settled: Settled): Promise<void> {
    this.settlingCount++;
    this.credential.forget(job);
    this.scheduler.complete(job.source.queues, job);
    await this.deps.settle(job, settled);
    job.source.settled(job.record);
    this.settlingCount--;
    this.checkIdle();
  }

  private expired(job: Job): Settled | null {
    if (!job.isExpired(this.deps.clock.wallMs())) return null;
    return job.perhapsSent
      ? settledWithout('failed', job, 'expiresAt passed before a retry; an earlier call was perhaps sent')
      : settledWithout('expired', job, 'expiresAt passed before it could be sent');
  }

  private passage(nowMs: number): Passage {
    const circuit = this.circuit.passage(nowMs);
    const credential = this.credential.passage(nowMs);
    if (circuit.kind === 'blocked') return circuit;
    return credential.kind === 'free' ? circuit : credential;
  }

  private reportHalt(): void {
    const halted = this.circuit.isOpen || this.credential.isRefused;
    if (halted === this.halted) return;
    this.halted = halted;
    while (!halted && this.releaseProbed());
    this.deps.listener.onHalted(halted);
  }

  private sleep(waitMs: number): void {
    if (waitMs === Infinity) return;
    const sleepMs = Math.min(Math.ceil(waitMs), MAX_SLEEP_MS);
    this.wakeAtMs = this.deps.clock.monotonicMs() + sleepMs;
    this.cancelWake = this.deps.clock.after(sleepMs, () => this.pump());
  }

  private checkIdle(): void {
    if (this.stopped && this.calls.size + this.settlingCount === 0) this.idle.resolve();
  }
}

function settledWithout(outcome: Outcome, job: Job, error: string): Settled {
  return {
    outcome,
    response: { id: '', status: '', error },
    attempts: job.calls,
    httpStatus: job.httpStatus,
  };
}

function forbidden(job: Job): Settled {
  return settledWithout('rejected', job, 'HTTP 403');
}
