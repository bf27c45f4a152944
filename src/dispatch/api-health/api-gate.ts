import type { Channel } from '../../contract/channels';
import type { CallResult } from '../../messages-api/call-result';
import type { Job } from '../job';
import { isApiFailure, isFinal, isSuccess, isUnasked } from './answer';
import { BLOCKED, FREE, type Passage, stricter } from './breaker';
import type { Answer, Circuit, Probed } from './circuit';
import { Circuits } from './circuits';
import type { Credential } from './credential';
import { Credentials, type KeyRing } from './credentials';

/** What a call finds out beside its own answer: which circuits and keys may close again. */
export type Probe = readonly Probed[];

/** An ordinary call finds out nothing else. */
const NO_PROBE: Probe = [];

/** After a probe in vain, reading goes on for so long if nothing else is in hand to probe with. */
const LOOK_FOR_MS = 2_000;

/** A call that came back, in milliseconds of the monotonic clock. */
export interface Call {
  readonly startedMs: number;
  readonly endedMs: number;
  readonly probe: Probe;
  /** Whose key it was made with. */
  readonly credential: Credential<Job>;
  /** Where its failure counts. */
  readonly circuit: Circuit;
}

/** What operators are told of the API. */
export interface ApiHealth {
  /** Every channel in use fails. */
  readonly isDown: boolean;
  readonly channels: readonly ChannelHealth[];
  /** Keys with which nothing has succeeded since they were refused. */
  readonly keysRefused: number;
  /** Workspaces, each on a channel, that wait since the API refuses them. */
  readonly workspacesRefused: number;
}

interface ChannelHealth {
  readonly channel: Channel;
  readonly isOpen: boolean;
  /** Circuits of single workspaces that are open. */
  readonly openWorkspaces: number;
}

/**
 * Whether the API may be called (the circuits), how often at once after an outage (their ramps), and with which keys
 * (the
 * credentials): for the API as a whole, each channel, and each workspace on a channel. It sees every answer.
 */
export class ApiGate {
  private readonly circuits: Circuits;
  private readonly credentials: Credentials<Job>;
  /** Workspaces that have probed in vain since nothing may be sent but probes. */
  private readonly triedInVain = new Set<string>();
  private triedAtMs = -Infinity;

  /** @param changed is told of each circuit that has opened or closed */
  constructor(keys: KeyRing, maxInFlight: number, changed: (circuit: Circuit) => void) {
    this.circuits = new Circuits(maxInFlight, changed);
    this.credentials = new Credentials(keys);
  }

  get mostAtOnce(): number {
    return this.circuits.api.mostAtOnce;
  }

  health(nowMs: number): ApiHealth {
    return {
      isDown: this.circuits.isApiDown(nowMs),
      channels: [...this.circuits.ofChannels].map(([channel, { isOpen, openWithin }]) => ({
        channel,
        isOpen,
        openWorkspaces: openWithin.size,
      })),
      keysRefused: this.credentials.refused,
      workspacesRefused: this.credentials.workspacesRefused,
    };
  }

  /** Whether nothing at all may be sent but probes. */
  isShut(nowMs: number): boolean {
    const isShut = this.circuits.isApiDown(nowMs) || this.credentials.areAllRefused;
    if (!isShut && this.triedInVain.size > 0) this.triedInVain.clear();
    return isShut;
  }

  /** For how long reading goes on to find another workspace to probe with. */
  lookMs(nowMs: number): number {
    return Math.max(0, this.triedAtMs + LOOK_FOR_MS - nowMs);
  }

  hasBeenTried(workspaceId: string): boolean {
    return this.triedInVain.has(workspaceId);
  }

  /** What may be sent at all. */
  passage(nowMs: number): Passage {
    return this.circuits.api.passage(nowMs);
  }

  /** What may be sent on a channel, of whatever workspace. */
  passageOn(channel: Channel, nowMs: number): Passage {
    const circuit = this.circuits.channel(channel);
    if (circuit === undefined) return FREE;
    return circuit.isFull ? BLOCKED : circuit.passage(nowMs);
  }

  /** What may be sent of a workspace on a channel. */
  passageOf(channel: Channel, workspaceId: string, nowMs: number): Passage {
    let passage = this.credentials.of(workspaceId).passage(channel, workspaceId, nowMs);
    const nearest = this.circuits.nearest(channel, workspaceId);
    for (const circuit of nearest.chain) {
      passage = stricter(passage, circuit.passageOf(workspaceId, nowMs, nearest.isDoubtful));
    }
    return passage;
  }

  /** A call is about to be made; it is a probe of whatever is shut. */
  begin(job: Job, nowMs: number): Probe {
    const { channel, workspaceId } = job;
    job.circuit = this.circuits.of(channel, workspaceId);
    let probe: Probed[] | null = null;
    for (const circuit of job.circuit.chain) if (circuit.begin(workspaceId, nowMs)) (probe ??= []).push(circuit);
    const credential = this.credentials.of(workspaceId);
    if (credential.passage(channel, workspaceId, nowMs).kind !== 'free') {
      (probe ??= []).push(...credential.begin(job, nowMs));
    }
    return probe ?? NO_PROBE;
  }

  /** The call is over, or was not made after all. */
  end(job: Job, nowMs: number): void {
    if (job.circuit !== null) for (const circuit of job.circuit.chain) circuit.end(nowMs);
    job.circuit = null;
    if (this.circuits.sweep(nowMs)) this.credentials.sweep(nowMs);
  }

  /** The call was not made after all: the next one may probe in its stead. */
  withdraw(probe: Probe): void {
    for (const probed of probe) probed.unprobed();
  }

  /** Takes in what a call came to. Returns commands held for a 403 that is now known to be their own. */
  observe(job: Job, result: CallResult, { probe, credential, circuit, endedMs: nowMs }: Call): Job[] {
    if (isUnasked(result)) {
      this.withdraw(probe);
      return [];
    }
    const answer: Answer = {
      isFailure: isApiFailure(result),
      isSuccess: isSuccess(result),
      isFinal: isFinal(result),
    };
    circuit.answered(job, answer, nowMs);
    for (const probed of probe) probed.probed(answer, nowMs);
    if (probe.some(({ isOpen }) => isOpen)) {
      this.triedInVain.add(job.workspaceId);
      this.triedAtMs = nowMs;
    }
    return answer.isSuccess ? credential.success(job, nowMs) : [];
  }

  /** For how long a command may not be sent that was about to be; 0 where it may. */
  shutMs({ channel, workspaceId }: Job, nowMs: number): number {
    const { chain } = this.circuits.nearest(channel, workspaceId);
    let passage = this.credentials.of(workspaceId).passage(channel, workspaceId, nowMs);
    for (const circuit of chain) passage = stricter(passage, circuit.passage(nowMs));
    if (passage.kind === 'free') return 0;
    return passage.kind === 'blocked' ? passage.waitMs : 1;
  }

  circuitOf(job: Job): Circuit {
    return job.circuit ?? this.circuits.of(job.channel, job.workspaceId);
  }

  credentialOf(job: Job): Credential<Job> {
    return this.credentials.of(job.workspaceId);
  }

  forget(job: Job): void {
    this.credentials.forget(job);
  }

  keysChanged(isCurrent: (key: string) => boolean): void {
    this.credentials.keysChanged(isCurrent);
  }
}
