import type { CallResult } from '../../messages-api/call-result';
import { isApiFailure, isSuccess, isUnasked } from './answer';
import type { Passage } from './breaker';
import { Circuit } from './circuit';
import type { Credential } from './credential';
import { Credentials, type KeyRing } from './credentials';
import type { Job } from '../job';
import { Ramp } from './ramp';

/** What a call is sent to find out beside its own answer: whether the circuit, or a credential, may close again. */
export interface Probe {
  readonly circuit: boolean;
  readonly credential: Credential<Job> | null;
}

/** Of every usual call. */
export const NO_PROBE: Probe = { circuit: false, credential: null };

/** A call that came back, in milliseconds of the monotonic clock. */
export interface Call {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly probe: Probe;
  /** Whose key it was made with. */
  readonly credential: Credential<Job>;
}

/**
 * Whether the API may be called at all (the circuit), how often at once after an outage (the ramp), and with which keys (the
 * credentials). It sees every answer, and decides from them what the next calls may be.
 */
export class ApiGate {
  private readonly circuit = new Circuit();
  private readonly ramp: Ramp;
  private readonly credentials: Credentials<Job>;
  /** Probes in vain, and when each may be sent again: after every other key, or once a probe has helped. */
  private readonly probedInVain = new Map<Job, number>();

  constructor(keys: KeyRing, maxInFlight: number) {
    this.ramp = new Ramp(maxInFlight);
    this.credentials = new Credentials(keys);
  }

  get isCircuitOpen(): boolean {
    return this.circuit.isOpen;
  }

  get refusedCredentials(): number {
    return this.credentials.refused;
  }

  /** Whether nothing at all may be sent but probes. */
  get isShut(): boolean {
    return this.circuit.isOpen || this.credentials.areAllRefused;
  }

  get mostAtOnce(): number {
    return this.ramp.most;
  }

  /** What may be sent of any workspace. */
  passage(nowMs: number): Passage {
    return this.circuit.passage(nowMs);
  }

  /** For how long a workspace's commands wait for their credential; 0 for none, and for the one that may probe it. */
  holdMs(workspaceId: string, nowMs: number): number {
    const passage = this.credentials.passage(workspaceId, nowMs);
    return passage.kind === 'blocked' ? passage.waitMs : 0;
  }

  /** A call is about to be made; it is a probe where something is asked for one. */
  begin(job: Job, nowMs: number): Probe {
    const isProbe = this.circuit.isOpen;
    if (isProbe) this.circuit.probing(nowMs);
    if (this.credentials.passage(job.workspaceId, nowMs).kind !== 'probe') {
      return isProbe ? { circuit: true, credential: null } : NO_PROBE;
    }
    const credential = this.credentials.of(job.workspaceId);
    credential.probing(nowMs);
    return { circuit: isProbe, credential };
  }

  /** The call was not made after all: the next one may probe in its stead. */
  withdraw(probe: Probe): void {
    if (probe.circuit) this.circuit.unprobed();
    probe.credential?.unprobed();
  }

  /** Takes in what a call came to. Returns commands held for a 403 that is now known to be their own. */
  observe(job: Job, result: CallResult, { probe, credential, endedMs: nowMs }: Call): Job[] {
    if (isUnasked(result)) {
      this.withdraw(probe);
      return [];
    }
    const succeeded = isSuccess(result);
    const wasOpen = this.circuit.isOpen;
    if (isApiFailure(result)) {
      this.circuit.failure(job, job.keyId, nowMs, probe.circuit);
      this.ramp.failure();
    } else {
      this.circuit.success(nowMs, probe.circuit);
      this.ramp.success();
    }
    if (wasOpen && !this.circuit.isOpen) this.ramp.begin();
    probe.credential?.probed(succeeded);
    return succeeded ? credential.success(job) : [];
  }

  credentialOf(job: Job): Credential<Job> {
    return this.credentials.of(job.workspaceId);
  }

  excuses(startedMs: number, endedMs: number): boolean {
    return this.circuit.excuses(startedMs, endedMs);
  }

  suspects(sinceMs: number, nowMs: number): boolean {
    return this.circuit.suspects(sinceMs, nowMs);
  }

  /** Whether the probe was in vain: what it asked for is as bad as before. */
  wasInVain({ circuit, credential }: Probe): boolean {
    return (circuit && this.circuit.isOpen) || credential?.isRefused === true;
  }

  /** A probe in vain lets all other keys go first: it may be in vain for its own fault. */
  setAside(job: Job, retryAtMs: number): void {
    this.probedInVain.set(job, retryAtMs);
  }

  /** The oldest command set aside that may go now, with the instant from which it may; null where there is none. */
  takeBack(nowMs: number): readonly [Job, number] | null {
    if (this.passage(nowMs).kind === 'blocked') return null;
    for (const entry of this.probedInVain) {
      if (this.holdMs(entry[0].workspaceId, nowMs) > 0) continue;
      this.probedInVain.delete(entry[0]);
      return entry;
    }
    return null;
  }

  /** The commands set aside whose probes would no longer be any: circuit and credential work again. */
  takeBackRecovered(): (readonly [Job, number])[] {
    if (this.circuit.isOpen) return [];
    const recovered = [...this.probedInVain].filter(([job]) => !this.credentialOf(job).isRefused);
    for (const [job] of recovered) this.probedInVain.delete(job);
    return recovered;
  }

  /** How long until a command set aside may go. */
  asideMs(nowMs: number): number {
    let waitMs = Infinity;
    for (const job of this.probedInVain.keys()) waitMs = Math.min(waitMs, this.holdMs(job.workspaceId, nowMs));
    return waitMs;
  }

  /** Commands set aside that belong to a partition. */
  asideOf(source: Job['source']): Job[] {
    return [...this.probedInVain.keys()].filter((job) => job.source === source);
  }

  forget(job: Job): void {
    this.credentials.forget(job);
    this.probedInVain.delete(job);
  }

  keysChanged(isCurrent: (key: string) => boolean): void {
    this.credentials.keysChanged(isCurrent);
  }
}
