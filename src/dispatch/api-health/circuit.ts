import type { Channel } from '../../contract/channels';
import { BLOCKED, Breaker, type Passage } from './breaker';
import { FailureWindow, WINDOW_MS } from './failure-window';
import { Ramp } from './ramp';
import { Standstill } from './standstill';

/** What a circuit guards. */
export type Scope =
  | { readonly kind: 'api' }
  | { readonly kind: 'channel'; readonly channel: Channel }
  | { readonly kind: 'workspace'; readonly channel: Channel; readonly workspaceId: string };

/** What a call came to, as far as circuits and keys are concerned. */
export interface Answer {
  /** No connection, no answer in time, or a 5xx. */
  readonly isFailure: boolean;
  /** 2xx. */
  readonly isSuccess: boolean;
  /** It ends its command. */
  readonly isFinal: boolean;
}

/** A command, as far as circuits know it. */
export interface Called {
  /** Names its ordering key. */
  readonly keyId: string;
}

/** Something that a call may find out beside its own answer: whether it may close again. */
export interface Probed {
  readonly isOpen: boolean;
  /** Whether it concerns one workspace on one channel alone. */
  readonly isOfWorkspace: boolean;
  probed(answer: Answer, nowMs: number): void;
  /** The call was not made after all: the next one may probe in its stead. */
  unprobed(): void;
}

/** By what each kind of scope opens: a share of its commands that fails, or that nothing succeeds (see Standstill). */
const OPENS_BY: Readonly<Record<Scope['kind'], { readonly share: boolean; readonly standstill: boolean }>> = {
  workspace: { share: true, standstill: false },
  channel: { share: true, standstill: true },
  api: { share: false, standstill: true },
};

/** How many past outages are remembered for the commands that failed in them, and for how long. */
const OUTAGES_KEPT = 32;
const OUTAGE_KEPT_MS = 600_000;
/** Workspaces remembered as tried while a scope is open; then the round begins again. */
const MOST_TRIED = 10_000;

interface Outage {
  readonly fromMs: number;
  untilMs: number;
}

/**
 * The circuit of one scope: a workspace within a channel, a channel, or the API. It opens where its scope fails as a
 * whole;
 * a few poisonous commands cannot open it. While it is open nothing of its scope is sent but probes, and failures that
 * belong to the outage use up no attempt of their commands. What it has counted leaves the wider circuits when it
 * opens.
 *
 *     closed → fails → open → (1 s, then 5 s) → probing → answered → closed, with a ramp
 *                                                       → failure → open
 */
export class Circuit implements Probed {
  /** Calls of the scope on the wire. */
  inFlight = 0;
  /** When the last call of the scope was made or came back, and when one was last answered with a 2xx. */
  calledAtMs = -Infinity;
  acceptedAtMs = -Infinity;
  private failedAtMs = -Infinity;
  /** Narrower circuits that are open. */
  readonly openWithin = new Set<Circuit>();
  /** This circuit and all wider ones, the narrowest first. */
  readonly chain: readonly Circuit[];
  private readonly breaker = new Breaker();
  private readonly ramp: Ramp;
  private readonly window: FailureWindow | null;
  private readonly standstill: Standstill | null;
  private readonly outages: Outage[] = [];
  /** Workspaces that have probed since it opened. */
  private readonly tried = new Set<string>();

  /** @param changed is told when it has opened or closed */
  constructor(
    readonly scope: Scope,
    wider: Circuit | null,
    maxInFlight: number,
    private readonly changed: (circuit: Circuit) => void = () => undefined,
  ) {
    const { share, standstill } = OPENS_BY[scope.kind];
    this.ramp = new Ramp(maxInFlight);
    this.window = share ? new FailureWindow() : null;
    this.standstill = standstill ? new Standstill() : null;
    this.chain = [this, ...(wider?.chain ?? [])];
  }

  get isOpen(): boolean {
    return !this.breaker.isClosed;
  }

  get isOfWorkspace(): boolean {
    return this.scope.kind === 'workspace';
  }

  /** Calls at once that the scope may have. */
  get mostAtOnce(): number {
    return this.ramp.most;
  }

  get isFull(): boolean {
    return !this.ramp.isOver && this.inFlight >= this.ramp.most;
  }

  /** What the scope as a whole may send. */
  passage(nowMs: number): Passage {
    return this.breaker.passage(nowMs);
  }

  /** Whether its last call that was answered with a 2xx or failed has failed. */
  get isDoubtful(): boolean {
    return this.failedAtMs > this.acceptedAtMs;
  }

  /**
   * What the scope may send of one workspace.
   *
   * @param isDoubtful whether the workspace fails by itself, perhaps: then others probe first
   */
  passageOf(workspaceId: string, nowMs: number, isDoubtful = false): Passage {
    if (this.breaker.isClosed) return this.isOfWorkspace && this.isFull ? BLOCKED : this.passage(nowMs);
    const isRepeat = !this.isOfWorkspace && (isDoubtful || this.tried.has(workspaceId));
    return this.breaker.passage(nowMs, isRepeat);
  }

  /** A call of the scope is made. Returns whether it is a probe. */
  begin(workspaceId: string, nowMs: number): boolean {
    this.inFlight++;
    this.calledAtMs = nowMs;
    if (this.breaker.isClosed) return false;
    this.breaker.probing(nowMs);
    if (this.tried.size >= MOST_TRIED) this.tried.clear();
    this.tried.add(workspaceId);
    return true;
  }

  /** The call is over, or was not made after all. */
  end(nowMs: number): void {
    this.inFlight--;
    this.calledAtMs = nowMs;
  }

  unprobed(): void {
    this.breaker.unprobed();
  }

  /** A probe's answer closes it, whatever it says; a failure does not. */
  probed({ isFailure }: Answer, nowMs: number): void {
    if (isFailure) this.breaker.probed('no-better');
    else if (this.breaker.isProbing) this.close(nowMs);
  }

  /** A call of the narrowest scope has come back; the wider ones hear of it through it. */
  answered(command: Called, answer: Answer, nowMs: number): void {
    let isCounted = true;
    for (const circuit of this.chain) {
      isCounted &&= !circuit.isOpen;
      circuit.take(command, answer, nowMs, isCounted);
    }
    if (answer.isSuccess) this.acceptedAtMs = nowMs;
    if (!answer.isFailure) return;
    this.failedAtMs = nowMs;
    for (const circuit of this.chain) circuit.openIfBroken(nowMs);
  }

  /**
   * Whether a call that failed was on the wire during an outage of any of its scopes: then the failure is not its
   * command's.
   */
  excuses(startedMs: number, endedMs: number): boolean {
    return this.chain.some(({ outages }) =>
      outages.some((outage) => endedMs >= outage.fromMs && startedMs <= outage.untilMs),
    );
  }

  /**
   * Whether the calls since a command first failed look like an outage that is not found out yet, so that the command
   * is not
   * given up: by the share of what fails since `firstMs`, or because nothing of a wider scope has succeeded since
   * `sinceMs`. An
   * outage that is found out excuses by itself.
   */
  suspects(firstMs: number, sinceMs: number, nowMs: number): boolean {
    if (this.chain.some(({ isOpen }) => isOpen)) return false;
    return this.chain.some(
      ({ window, standstill, openWithin }) =>
        window?.isBroken(nowMs, firstMs) === true ||
        (standstill?.isStill(sinceMs) === true && (standstill.hasEnough || openWithin.size > 0)),
    );
  }

  /** The next probe may go at once. */
  hasten(): void {
    this.breaker.hasten();
  }

  /** Whether little is lost if it is made anew: nothing has been called for long. */
  isAsNew(nowMs: number): boolean {
    const keptMs = this.outages.length > 0 ? OUTAGE_KEPT_MS : WINDOW_MS;
    return this.inFlight === 0 && nowMs - this.calledAtMs >= keptMs;
  }

  /** It is forgotten. */
  retire(): void {
    for (const circuit of this.chain) circuit.openWithin.delete(this);
  }

  private take(command: Called, answer: Answer, nowMs: number, isCounted: boolean): void {
    if (answer.isFailure) {
      this.ramp.failure();
      this.standstill?.failure(command, nowMs);
      if (isCounted) this.window?.failure(command, nowMs);
      return;
    }
    this.ramp.success();
    this.standstill?.success(nowMs);
    if (!isCounted) return;
    if (answer.isFinal) this.window?.success(command, nowMs);
    else this.window?.recovered(command);
  }

  private openIfBroken(nowMs: number): void {
    if (this.isOpen) return;
    if (this.window?.isBroken(nowMs) === true) this.open(nowMs, nowMs - WINDOW_MS);
    else if (this.standstill?.isBroken(nowMs) === true) {
      this.open(nowMs, Math.min(nowMs - WINDOW_MS, this.standstill.sinceMs));
    }
  }

  private open(nowMs: number, fromMs: number): void {
    this.breaker.trip(nowMs);
    this.beginOutage(fromMs);
    for (const circuit of this.chain) {
      if (circuit === this) continue;
      circuit.openWithin.add(this);
      if (this.window !== null) circuit.window?.takeOut(this.window);
    }
    this.window?.clear();
    this.changed(this);
  }

  private close(nowMs: number): void {
    this.breaker.probed('better');
    this.tried.clear();
    this.ramp.begin();
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.untilMs = nowMs;
    this.retire();
    for (const narrower of this.openWithin) narrower.hasten();
    this.changed(this);
  }

  private beginOutage(fromMs: number): void {
    const last = this.outages.at(-1);
    if (last !== undefined && last.untilMs >= fromMs) {
      last.untilMs = Infinity;
      return;
    }
    this.outages.push({ fromMs, untilMs: Infinity });
    if (this.outages.length > OUTAGES_KEPT) this.outages.shift();
  }
}
