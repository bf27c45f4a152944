import type { Config } from '../config/config';
import type { Command } from '../contract/command';
import type { Settled } from '../contract/outcome';
import type { CallResult } from '../messages-api/call-result';
import type { Telemetry } from '../observability/telemetry';
import type { SettledStore } from '../settlement/settled-store';
import { ApiGate, type Call, NO_PROBE, type Probe } from './api-gate';
import { Bulkhead } from './bulkhead';
import { type Admission, Claims } from './claims';
import type { Clock } from './clock';
import type { Credential } from './credential';
import type { KeyRing } from './credentials';
import { type FollowUp, FollowUps, forbidden, settledWithout } from './follow-up';
import type { Job } from './job';
import type { JobSource } from './job-source';
import type { RateLimiter } from './rate-limiter';
import { Scheduler } from './scheduler';

/** One call to the Messages API; never rejects. */
export type SendCommand = (command: Command) => Promise<CallResult>;

/** How a command ended, and when, in milliseconds since the epoch. */
export interface Ending {
  readonly settled: Settled;
  readonly completedAtMs: number;
  /** Whether an earlier record of the command brought it to this end. */
  readonly isReplay: boolean;
}

/** Writes down what became of a command; each resolves once that is acknowledged, however long it takes. */
export interface Outcomes {
  settle(job: Job, ending: Ending): Promise<void>;
  /** The command goes on to a retry topic: that of `round`, from 1. */
  park(job: Job, settled: Settled, round: number): Promise<void>;
}

/** What the dispatcher tells the rest of the service. */
export interface DispatchListener {
  /** Consumption is to pause (true) or to go on (false). */
  onHalted(halted: boolean): void;
  /** Nothing may be sent but probes (true), or anything again (false). */
  onShut(isShut: boolean): void;
  /** The API refused a workspace's key, once more: at most once a minute for each key. */
  onKeyRefused(httpStatus: number | null, workspaceId: string): void;
}

interface Deps {
  readonly config: Pick<Config['dispatch'], 'maxInFlight' | 'retry' | 'retryTopicDelays'>;
  /** Deadline of one call: longer ones mean that dispatch is stuck. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limiter: RateLimiter;
  readonly keys: KeyRing;
  readonly store: SettledStore;
  readonly telemetry: Telemetry;
  readonly send: SendCommand;
  readonly outcomes: Outcomes;
  readonly listener: DispatchListener;
}

/** Until the next look at a partition whose group has not heard of this replica for a session timeout. */
const UNTRUSTED_MS = 200;
const KEY_REFUSED_APART_MS = 60_000;
/** Longest sleep between two looks at the scheduler; a wait that ends later is looked at again. */
const MAX_SLEEP_MS = 60_000;

/**
 * Takes valid commands to their outcomes: chooses the next (Scheduler), claims it (Claims), sends it while slots, circuit
 * and credential allow (ApiGate, Bulkhead), and settles it or lets it wait for another try (FollowUps). A command that waits
 * holds its key's turn, but no slot.
 */
export class Dispatcher {
  private readonly scheduler: Scheduler<Job>;
  private readonly gate: ApiGate;
  private readonly bulkhead: Bulkhead;
  private readonly claims: Claims;
  private readonly followUps: FollowUps;
  /** When each call on the wire started; the oldest is first. */
  private readonly calls = new Map<Job, number>();
  private readonly keyRefusedAtMs = new WeakMap<Credential<Job>, number>();
  private settlingCount = 0;
  private stopped = false;
  private halted = false;
  private shut = false;
  private wakeAtMs = 0;
  private cancelWake: (() => void) | null = null;
  private readonly idle = Promise.withResolvers<void>();

  constructor(private readonly deps: Deps) {
    const { clock, config, keys, random, store, telemetry } = deps;
    const limiter: RateLimiter = {
      reserve: (sender, nowMs) => {
        const refusal = deps.limiter.reserve(sender, nowMs);
        if (refusal !== null) telemetry.limitWaited(sender.channel, refusal.waitMs);
        return refusal;
      },
    };
    const gate = new ApiGate(keys, config.maxInFlight);
    const bulkhead = new Bulkhead(config.maxInFlight);
    this.gate = gate;
    this.bulkhead = bulkhead;
    this.claims = new Claims(store, () => clock.wallMs());
    this.followUps = new FollowUps({ config, gate, random, telemetry });
    this.scheduler = new Scheduler(limiter, (job) => job.decided !== null || job.isExpired(clock.wallMs()), {
      workspaceMs: (workspaceId, nowMs) => gate.holdMs(workspaceId, nowMs),
      isFull: (channel, nowMs) => !bulkhead.mayTake(channel, nowMs),
    });
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
    return this.gate.isCircuitOpen;
  }

  /** How many keys the API refuses. */
  get refusedCredentials(): number {
    return this.gate.refusedCredentials;
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
    this.reportHalt();
    while (!this.stopped && this.calls.size < this.gate.mostAtOnce) {
      const nowMs = this.deps.clock.monotonicMs();
      const passage = this.gate.passage(nowMs);
      if (passage.kind === 'blocked') {
        this.sleep(passage.waitMs);
        return;
      }
      const turn = this.scheduler.next(nowMs);
      if ('job' in turn) {
        this.start(turn.job, nowMs);
        continue;
      }
      const aside = this.gate.takeBack(nowMs);
      if (aside === null) {
        this.sleep(Math.min(turn.waitMs, this.gate.asideMs(nowMs)));
        return;
      }
      this.scheduler.retryAt(aside[0].source.queues, ...aside);
    }
  }

  /** Gives up the waiting commands of a partition that was lost; those on the wire go on to their outcome. */
  discard(source: JobSource): void {
    for (const job of this.scheduler.discardWaiting(source.queues)) this.giveUp(job);
    for (const job of this.gate.asideOf(source)) {
      this.scheduler.complete(source.queues, job);
      this.giveUp(job);
    }
    this.reportHalt();
  }

  /** Keys have changed; `isCurrent` tells which are still in use. What waits for a new one goes on. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    this.gate.keysChanged(isCurrent);
    this.reconsider();
    this.pump();
  }

  /**
   * Starts nothing more, and resolves once what is on the wire is settled; a settlement may outlast any deadline of its
   * caller. What waits is left to whoever reads it next.
   */
  async drain(): Promise<void> {
    this.stopped = true;
    this.cancelWake?.();
    this.cancelWake = null;
    this.checkIdle();
    await this.idle.promise;
    this.claims.releaseAll();
  }

  private start(job: Job, nowMs: number): void {
    const ended = job.decided ?? this.expired(job);
    if (ended !== null) {
      this.end(job, ended);
      return;
    }
    if (!job.source.maySend) {
      this.scheduler.retryAt(job.source.queues, job, nowMs + UNTRUSTED_MS);
      return;
    }
    const probe = this.gate.begin(job, nowMs);
    this.calls.set(job, nowMs);
    this.bulkhead.taken(job.channel, nowMs);
    const admission = this.claims.admit(job);
    if (!(admission instanceof Promise)) {
      this.follow(job, probe, admission);
      return;
    }
    void admission.then((late) => {
      const heldMs = late.kind === 'send' ? this.heldMs(job, probe) : 0;
      this.follow(job, probe, heldMs > 0 ? { kind: 'wait', delayMs: heldMs } : late);
      this.pump();
      this.checkIdle();
    });
  }

  /** For how long a command that could be sent before its claim was made may no longer be; 0 where it still may. */
  private heldMs(job: Job, probe: Probe): number {
    if (this.stopped || !job.source.maySend) return UNTRUSTED_MS;
    if (probe !== NO_PROBE) return 0;
    const nowMs = this.deps.clock.monotonicMs();
    const passage = this.gate.passage(nowMs);
    const shutMs = passage.kind === 'blocked' ? Math.min(passage.waitMs, MAX_SLEEP_MS) : 0;
    return Math.max(shutMs, Math.min(this.scheduler.pauseMs(job, nowMs), MAX_SLEEP_MS));
  }

  private follow(job: Job, probe: Probe, admission: Admission): void {
    if (admission.kind === 'send') {
      this.attempt(job, probe);
      return;
    }
    this.gate.withdraw(probe);
    this.leave(job);
    if (admission.kind === 'end') this.end(job, admission.settled, admission.replayOf);
    else this.wait(job, admission.delayMs, NO_PROBE);
    if (probe.credential !== null) this.reconsider();
  }

  private attempt(job: Job, probe: Probe): void {
    const { clock, send } = this.deps;
    const startedMs = clock.monotonicMs();
    const credential = this.gate.credentialOf(job);
    void send(job.command).then((result) =>
      this.answered(job, result, { startedMs, endedMs: clock.monotonicMs(), probe, credential }),
    );
  }

  /** A call has come to its end: circuit and credential hear of it, then the command settles or waits. */
  private answered(job: Job, result: CallResult, call: Call): void {
    job.calls++;
    job.httpStatus = result.httpStatus;
    const { operation } = job.command;
    this.deps.telemetry.called(job.channel, operation.type, result.httpStatus, call.endedMs - call.startedMs);
    for (const held of this.gate.observe(job, result, call)) this.rejectHeld(held);
    this.apply(job, call, this.followUps.after(job, result, call));
    this.leave(job);
    if (call.probe !== NO_PROBE) this.reconsider();
    this.pump();
    this.checkIdle();
  }

  private apply(job: Job, call: Call, followUp: FollowUp): void {
    switch (followUp.kind) {
      case 'end':
        this.end(job, followUp.settled);
        return;
      case 'park':
        void this.park(job, followUp.settled, followUp.round);
        return;
      case 'refused':
        this.warnOfKey(job, call);
        this.wait(job, 0, call.probe);
        return;
      case 'wait':
        this.wait(job, followUp.delayMs, call.probe);
        return;
      case 'limited':
        if (followUp.pausesWorkspace) {
          this.scheduler.pauseWorkspace(job.channel, job.workspaceId, call.endedMs + followUp.delayMs);
        }
        // Others go first: were the limit this command's alone, it would take each turn from them in vain.
        this.wait(job, followUp.delayMs, call.probe, 'last');
    }
  }

  private warnOfKey(job: Job, { credential, endedMs }: Call): void {
    if (endedMs - (this.keyRefusedAtMs.get(credential) ?? -Infinity) < KEY_REFUSED_APART_MS) return;
    this.keyRefusedAtMs.set(credential, endedMs);
    this.deps.listener.onKeyRefused(job.httpStatus, job.workspaceId);
  }

  /** The credential works: what was held for a 403 of its own is rejected now, unless it is just being asked again. */
  private rejectHeld(held: Job): void {
    if (this.calls.has(held)) return;
    held.decided = forbidden(held);
    this.scheduler.hasten(held.source.queues, held);
  }

  /** Another try after `delayMs`. */
  private wait(job: Job, delayMs: number, probe: Probe, place: 'first' | 'last' = 'first'): void {
    const { queues, isOwned } = job.source;
    const atMs = this.deps.clock.monotonicMs() + delayMs;
    this.claims.keep(job);
    if (!isOwned) {
      this.scheduler.complete(queues, job);
      this.giveUp(job);
    } else if (this.gate.wasInVain(probe)) this.gate.setAside(job, atMs);
    else this.scheduler.retryAt(queues, job, atMs, place);
  }

  private leave(job: Job): void {
    this.calls.delete(job);
    this.bulkhead.returned(job.channel);
  }

  private giveUp(job: Job): void {
    this.gate.forget(job);
    this.claims.release(job);
    job.source.forgotten(job.record);
  }

  /** Publishes the outcome; the key's next command may go out meanwhile. */
  private end(job: Job, settled: Settled, replayOf: number | null = null): void {
    this.beginEnd(job);
    const settling = replayOf === null ? this.claims.settle(job, settled) : replayOf;
    const write = (completedAtMs: number): void => {
      const ending: Ending = { settled, completedAtMs, isReplay: replayOf !== null };
      void this.deps.outcomes.settle(job, ending).then(() => this.finishEnd(job));
    };
    if (settling instanceof Promise) void settling.then(write);
    else write(settling);
  }

  private async park(job: Job, settled: Settled, round: number): Promise<void> {
    this.beginEnd(job);
    await this.deps.outcomes.park(job, settled, round);
    this.claims.release(job);
    this.finishEnd(job);
  }

  private beginEnd(job: Job): void {
    this.settlingCount++;
    this.gate.forget(job);
    this.scheduler.complete(job.source.queues, job);
  }

  private finishEnd(job: Job): void {
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

  /** What waited for the circuit or a credential is looked at again. */
  private reconsider(): void {
    for (const [job, atMs] of this.gate.takeBackRecovered()) this.scheduler.retryAt(job.source.queues, job, atMs);
    this.scheduler.reconsider();
    this.reportHalt();
  }

  /** While nothing may be sent, consumption pauses; but a replica that has nothing in hand needs something to probe with. */
  private reportHalt(): void {
    const { listener } = this.deps;
    const { isShut } = this.gate;
    if (isShut !== this.shut) {
      this.shut = isShut;
      listener.onShut(isShut);
    }
    const halted = isShut && this.scheduler.size > 0;
    if (halted === this.halted) return;
    this.halted = halted;
    listener.onHalted(halted);
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
