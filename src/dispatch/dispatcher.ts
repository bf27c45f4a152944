import type { Config } from '../config/config';
import type { Settled } from '../contract/outcome';
import type { CommandTopic } from '../contract/topics';
import type { CallResult } from '../messages-api/call-result';
import type { Telemetry } from '../observability/telemetry';
import type { SettledStore } from '../settlement/settled-store';
import { ApiGate, type ApiHealth, type Call, type Probe } from './api-health/api-gate';
import { Bulkhead } from './schedule/bulkhead';
import { Calls } from './calls';
import { type Admission, Claims } from './claims';
import type { Circuit } from './api-health/circuit';
import type { Clock } from './clock';
import type { KeyRing } from './api-health/credentials';
import { Endings } from './endings';
import { type FollowUp, FollowUps, forbidden, settledWithout } from './follow-up';
import { HaltReport } from './api-health/halt-report';
import type { Job } from './job';
import { JobPermit } from './job-permit';
import type { JobSource } from './job-source';
import { KeyWarnings } from './api-health/key-warnings';
import type { CommandSender, DispatchListener, Outcomes } from './ports';
import type { RateLimiter } from './schedule/rate-limiter';
import { type Place, Scheduler } from './schedule/scheduler';
import type { SlowStart } from './schedule/slow-start';
import { Unrecorded, type UnrecordedTopic } from './schedule/unrecorded';
import { MAX_SLEEP_MS, WakeUp } from './schedule/wake-up';

interface Deps {
  readonly config: Pick<Config['dispatch'], 'maxInFlight' | 'retry' | 'retryTopicDelays'>;
  /** Deadline of one call: longer ones mean that dispatch is stuck. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limiter: RateLimiter;
  readonly slowStart: SlowStart;
  /** The command topics that are served. */
  readonly topics: readonly CommandTopic[];
  /** Of each command topic, see `Unrecorded`. */
  readonly maxUnrecorded: number;
  readonly keys: KeyRing;
  readonly store: SettledStore;
  readonly telemetry: Telemetry;
}

/** Until the next look at a partition whose group has not heard of this replica for a session timeout. */
const UNTRUSTED_MS = 200;

/**
 * Takes valid commands to their outcomes: chooses the next (Scheduler), claims it (Claims), sends it while slots,
 * circuit
 * and credential allow (ApiGate, Bulkhead), and settles it or lets it wait for another try (FollowUps). A command that
 * waits
 * holds its key's turn, but no slot.
 */
export class Dispatcher {
  private readonly limiter: RateLimiter;
  private readonly scheduler: Scheduler<Job>;
  private readonly gate: ApiGate;
  private readonly bulkhead: Bulkhead;
  private readonly claims: Claims;
  private readonly followUps: FollowUps;
  private readonly calls = new Calls();
  private readonly wakeUp: WakeUp;
  private readonly unrecordedCommands: Unrecorded;
  /** Set by `connect`, as are the next four. */
  private sender!: CommandSender;
  private listener!: DispatchListener;
  private endings!: Endings;
  private haltReport!: HaltReport;
  private keyWarnings!: KeyWarnings;
  private stopped = false;
  private readonly idle = Promise.withResolvers<void>();

  constructor(private readonly deps: Deps) {
    const { clock, config, keys, random, store, telemetry } = deps;
    const limiter: RateLimiter = {
      reserve: (sender, nowMs) => {
        const refusal = deps.limiter.reserve(sender, nowMs);
        if (refusal !== null) telemetry.limitWaited(sender.channel, refusal.waitMs);
        return refusal;
      },
      giveBack: (sender) => deps.limiter.giveBack(sender),
    };
    this.limiter = limiter;
    const gate = new ApiGate(keys, config.maxInFlight, (circuit) => this.circuitChanged(circuit));
    const bulkhead = new Bulkhead(config.maxInFlight);
    this.gate = gate;
    this.bulkhead = bulkhead;
    this.claims = new Claims(store, () => clock.wallMs());
    this.followUps = new FollowUps({ config, random, telemetry });
    this.wakeUp = new WakeUp(clock, () => this.pump());
    // Within a report of what is recorded, partitions may be on their way to somebody else: nothing is sent right then.
    const unrecorded = new Unrecorded(deps.topics, deps.maxUnrecorded, () => clock.soon(() => this.pump()));
    this.unrecordedCommands = unrecorded;
    this.scheduler = new Scheduler(limiter, (job) => job.decided !== null || job.isExpired(clock.wallMs()), {
      passageOf: (channel, workspaceId, nowMs) => gate.passageOf(channel, workspaceId, nowMs),
      channelMs: (channel, nowMs) => {
        const passage = gate.passageOn(channel, nowMs);
        if (passage.kind === 'blocked') return passage.waitMs;
        return bulkhead.mayTake(channel, nowMs) ? 0 : Infinity;
      },
      isUnrecorded: (channel, lane) => unrecorded.of(channel, lane).isFull,
    });
  }

  /**
   * Where commands go from here, and who hears of the API's health. To be called once, before the first command comes.
   */
  connect(next: CommandSender & Outcomes, listener: DispatchListener): void {
    const { claims, scheduler, gate, unrecordedCommands: unrecorded } = this;
    const { clock } = this.deps;
    this.sender = next;
    this.listener = listener;
    const onWritten = (): void => this.written();
    this.endings = new Endings({ scheduler, gate, claims, unrecorded, outcomes: next, clock, onWritten });
    this.haltReport = new HaltReport(listener);
    this.keyWarnings = new KeyWarnings(listener);
  }

  get inFlight(): number {
    return this.calls.size;
  }

  get waiting(): number {
    return this.scheduler.size - this.calls.size;
  }

  /**
   * For how long something that should have happened has not: a call that outlived its deadline, or a wake-up that did
   * not
   * come. Beyond some seconds the dispatch loop is stuck.
   */
  overdueMs(): number {
    const nowMs = this.deps.clock.monotonicMs();
    return Math.max(0, this.calls.oldestMs(nowMs) - this.deps.callTimeoutMs, this.wakeUp.overdueMs(nowMs));
  }

  get apiHealth(): ApiHealth {
    return this.gate.health(this.deps.clock.monotonicMs());
  }

  /** Commands that are answered and not recorded, for each command topic. */
  get unrecorded(): readonly UnrecordedTopic[] {
    return this.unrecordedCommands.all();
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
    this.wakeUp.cancel();
    this.reportHalt();
    while (!this.stopped && this.calls.size < this.gate.mostAtOnce) {
      const nowMs = this.deps.clock.monotonicMs();
      const passage = this.gate.passage(nowMs);
      if (passage.kind === 'blocked') {
        this.sleep(passage.waitMs);
        return;
      }
      const coldMs = this.deps.slowStart.waitMs(this.calls.size + this.endings.size, nowMs);
      if (coldMs > 0) {
        this.wakeUp.after(coldMs);
        return;
      }
      const turn = this.scheduler.next(nowMs);
      if (!('job' in turn)) {
        this.sleep(turn.waitMs);
        return;
      }
      this.start(turn.job, nowMs);
    }
  }

  /** Gives up the waiting commands of a partition that was lost; those on the wire go on to their outcome. */
  discard(source: JobSource): void {
    for (const job of this.scheduler.discardWaiting(source.queues)) this.giveUp(job);
    this.reportHalt();
  }

  /** Keys have changed; `isCurrent` tells which are still in use. What waits for a new one goes on. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    this.gate.keysChanged(isCurrent);
    this.scheduler.reconsider(this.deps.clock.monotonicMs());
    this.pump();
  }

  /**
   * Starts nothing more, and resolves once what is on the wire is settled; a settlement may outlast any deadline of its
   * caller. What waits is left to whoever reads it next.
   */
  async drain(): Promise<void> {
    this.stopped = true;
    this.wakeUp.cancel();
    this.checkIdle();
    await this.idle.promise;
    this.claims.releaseAll();
  }

  /** Wakes earlier if reading is to pause again by then. */
  private sleep(waitMs: number): void {
    const lookMs = this.haltReport.isShut ? this.gate.lookMs(this.deps.clock.monotonicMs()) : 0;
    this.wakeUp.after(lookMs > 0 ? Math.min(waitMs, lookMs) : waitMs);
  }

  private start(job: Job, nowMs: number): void {
    const ended = job.decided ?? this.expired(job);
    if (ended !== null) {
      this.endings.end(job, ended);
      return;
    }
    if (!job.source.maySend) {
      this.limiter.giveBack(job);
      this.scheduler.retryAt(job.source.queues, job, nowMs + UNTRUSTED_MS);
      return;
    }
    const probe = this.gate.begin(job, nowMs);
    this.calls.begin(job, nowMs);
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
    if (probe.length > 0) return 0;
    const nowMs = this.deps.clock.monotonicMs();
    const shutMs = this.gate.shutMs(job, nowMs);
    return Math.min(Math.max(shutMs, this.scheduler.pauseMs(job, nowMs)), MAX_SLEEP_MS);
  }

  private follow(job: Job, probe: Probe, admission: Admission): void {
    if (admission.kind === 'send') {
      this.attempt(job, probe);
      return;
    }
    this.unsent(job, probe);
    if (admission.kind === 'end') this.endings.end(job, admission.settled, admission.replayOf);
    else this.wait(job, admission.delayMs);
    this.reconsider(job, probe);
  }

  /** A call is not made after all: it takes nothing from the limits, and the next one probes in its stead. */
  private unsent(job: Job, probe: Probe): void {
    this.limiter.giveBack(job);
    this.gate.withdraw(probe);
    this.leave(job);
  }

  private attempt(job: Job, probe: Probe): void {
    const { clock } = this.deps;
    const startedMs = clock.monotonicMs();
    const credential = this.gate.credentialOf(job);
    const circuit = this.gate.circuitOf(job);
    void this.sender.send(job.command, new JobPermit(job, clock)).then((result) => {
      if (result.kind === 'withdrawn') this.withdrawn(job, probe);
      else this.answered(job, result, { startedMs, endedMs: clock.monotonicMs(), probe, credential, circuit });
    });
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
    this.reconsider(job, call.probe);
    this.pump();
    this.checkIdle();
  }

  private withdrawn(job: Job, probe: Probe): void {
    this.unsent(job, probe);
    const ended = this.expired(job);
    if (ended === null) this.wait(job, UNTRUSTED_MS);
    else this.endings.end(job, ended);
    this.reconsider(job, probe);
    this.pump();
    this.checkIdle();
  }

  private apply(job: Job, call: Call, followUp: FollowUp): void {
    switch (followUp.kind) {
      case 'end':
        this.endings.end(job, followUp.settled);
        return;
      case 'park':
        void this.endings.park(job, followUp.settled, followUp.round);
        return;
      case 'refused':
        this.keyWarnings.refused(job, call);
        this.wait(job, 0);
        return;
      case 'wait':
        this.wait(job, followUp.delayMs);
        return;
      case 'limited':
        if (followUp.pausesWorkspace) {
          const untilMs = call.endedMs + followUp.delayMs;
          this.scheduler.pauseWorkspace(job.channel, job.workspaceId, untilMs, call.endedMs);
        }
        // Others go first: were the limit this command's alone, it would take each turn from them in vain.
        this.wait(job, followUp.delayMs, 'last');
    }
  }

  /** The credential works: what was held for a 403 of its own is rejected now, unless it is just being asked again. */
  private rejectHeld(held: Job): void {
    if (this.calls.has(held)) return;
    held.decided = forbidden(held);
    this.scheduler.hasten(held.source.queues, held);
  }

  /** Another try after `delayMs`. */
  private wait(job: Job, delayMs: number, place: Place = 'called'): void {
    const { queues, isOwned } = job.source;
    const atMs = this.deps.clock.monotonicMs() + delayMs;
    this.claims.keep(job);
    if (!isOwned) {
      this.scheduler.complete(queues, job);
      this.giveUp(job);
    } else this.scheduler.retryAt(queues, job, atMs, place);
  }

  private leave(job: Job): void {
    this.calls.end(job);
    this.gate.end(job, this.deps.clock.monotonicMs());
    this.bulkhead.returned(job.channel);
  }

  private giveUp(job: Job): void {
    this.gate.forget(job);
    this.claims.release(job);
    job.source.forgotten(job.record);
  }

  private expired(job: Job): Settled | null {
    if (!job.isExpired(this.deps.clock.wallMs())) return null;
    return job.perhapsSent
      ? settledWithout('failed', job, 'expiresAt passed before a retry; an earlier call was perhaps sent')
      : settledWithout('expired', job, 'expiresAt passed before it could be sent');
  }

  /**
   * What waited for the call is looked at again: its workspace, and others if a wider circuit or its key was probed.
   */
  private reconsider(job: Job, probe: Probe): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (probe.some(({ isOfWorkspace }) => !isOfWorkspace)) this.scheduler.reconsider(nowMs);
    else this.scheduler.reconsiderWorkspace(job.channel, job.workspaceId, nowMs);
  }

  private circuitChanged({ scope, isOpen }: Circuit): void {
    if (scope.kind === 'channel') this.listener.onChannelShut(scope.channel, isOpen);
  }

  private written(): void {
    const { slowStart } = this.deps;
    if (!slowStart.isOver) {
      slowStart.written();
      this.pump();
    }
    this.checkIdle();
  }

  /** Reading pauses while nothing may be sent but probes and there is a workspace in hand that has not been tried. */
  private reportHalt(): void {
    const { gate, scheduler } = this;
    const nowMs = this.deps.clock.monotonicMs();
    const isShut = gate.isShut(nowMs);
    this.haltReport.update(
      isShut,
      isShut &&
        scheduler.size > 0 &&
        (gate.lookMs(nowMs) === 0 || scheduler.hasOther((workspaceId) => gate.hasBeenTried(workspaceId))),
    );
  }

  private checkIdle(): void {
    if (this.stopped && this.calls.size + this.endings.size === 0) this.idle.resolve();
  }
}
