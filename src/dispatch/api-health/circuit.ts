import { Breaker, type Passage } from './breaker';
import { FailureWindow } from './failure-window';

/** How many past outages are remembered for the commands that failed in them. */
const OUTAGES_KEPT = 32;

interface Outage {
  readonly fromMs: number;
  untilMs: number;
}

/**
 * The circuit around the API as a whole. A broken API opens it, a poisonous command cannot (see FailureWindow). While it is
 * open nothing is sent but probes, and failures that belong to the outage use up no attempt of their commands.
 */
export class Circuit {
  private readonly breaker = new Breaker();
  private readonly window = new FailureWindow();
  private readonly outages: Outage[] = [];

  get isOpen(): boolean {
    return !this.breaker.isClosed;
  }

  passage(nowMs: number): Passage {
    return this.breaker.passage(nowMs);
  }

  probing(nowMs: number): void {
    this.breaker.probing(nowMs);
  }

  unprobed(): void {
    this.breaker.unprobed();
  }

  /** The API answered, whatever it said. A probe's answer closes the circuit; a straggler's does not. */
  success(nowMs: number, isProbe: boolean): void {
    this.window.success(nowMs);
    if (!isProbe || this.breaker.isClosed) return;
    this.breaker.probed('better');
    if (this.breaker.isClosed) this.endOutage(nowMs);
  }

  /** The API could not be reached, did not answer in time, or answered 5xx. */
  failure(command: object, key: string, nowMs: number, isProbe: boolean): void {
    this.window.failure(command, key, nowMs);
    if (!this.breaker.isClosed && isProbe) this.breaker.probed('no-better');
    if (this.breaker.isClosed && this.window.isBroken(nowMs)) this.beginOutage(nowMs);
  }

  /** Whether a call that failed was on the wire during an outage of the API, so that the failure is not its command's. */
  excuses(startedMs: number, endedMs: number): boolean {
    return this.outages.some((outage) => endedMs >= outage.fromMs && startedMs <= outage.untilMs);
  }

  /**
   * Whether the calls since `sinceMs` look like an outage that the whole window, with its earlier successes, does not show
   * yet. A command that fails meanwhile is not given up.
   */
  suspects(sinceMs: number, nowMs: number): boolean {
    return this.window.isBroken(nowMs, sinceMs);
  }

  private beginOutage(nowMs: number): void {
    this.breaker.trip(nowMs);
    const fromMs = nowMs - FailureWindow.spanMs;
    const last = this.outages.at(-1);
    if (last !== undefined && last.untilMs >= fromMs) {
      last.untilMs = Infinity;
      return;
    }
    this.outages.push({ fromMs, untilMs: Infinity });
    if (this.outages.length > OUTAGES_KEPT) this.outages.shift();
  }

  private endOutage(nowMs: number): void {
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.untilMs = nowMs;
    this.window.clear();
  }
}
