import type { RateLimit, RateLimits } from './behaviour.ts';

/** The values by which limits count. */
export interface Scope {
  readonly channel: string;
  readonly workspace: string;
  readonly recipient: string;
}

const DEFAULT_BURST_MS = 50;
const DEFAULT_SLACK_MS = 25;
/** Far below any period, and far above the rounding errors of sums of periods. */
const ROUNDING_MS = 1e-6;

/**
 * GCRA (ITU-T I.371, virtual scheduling): at most rate × w + burst calls in any window w, and never fewer if the caller
 * keeps to that. Refused calls use up nothing. A call must pass every limit, and then counts in all of them.
 */
export class RateLimiter {
  readonly #gates: readonly Gate[];

  constructor(limits: RateLimits) {
    this.#gates = [
      ...gate(limits.perChannel, (scope) => scope.channel),
      ...gate(limits.perWorkspace, (scope) => `${scope.channel} ${scope.workspace}`),
      ...gate(limits.perRecipient, (scope) => `${scope.channel} ${scope.recipient}`),
    ];
  }

  /** 0 if the call passes, else how many ms too early it is. `nowMs` is any monotonic clock. */
  admit(scope: Scope, nowMs: number): number {
    if (this.#gates.length === 0) return 0;
    const waitMs = Math.max(...this.#gates.map((each) => each.waitMs(scope, nowMs)));
    if (waitMs > 0) return waitMs;
    for (const each of this.#gates) each.pass(scope, nowMs);
    return 0;
  }
}

class Gate {
  readonly #keyOf: (scope: Scope) => string;
  readonly #periodMs: number;
  readonly #toleranceMs: number;
  /** Theoretical arrival time of the next call. */
  readonly #expectedMs = new Map<string, number>();

  constructor(limit: RateLimit, keyOf: (scope: Scope) => string) {
    this.#keyOf = keyOf;
    this.#periodMs = 'ratePerSecond' in limit ? 1000 / limit.ratePerSecond : limit.windowMs / limit.count;
    const burst = limit.burst ?? Math.max(1, DEFAULT_BURST_MS / this.#periodMs);
    this.#toleranceMs = (burst - 1) * this.#periodMs + (limit.slackMs ?? DEFAULT_SLACK_MS);
  }

  waitMs(scope: Scope, nowMs: number): number {
    const earliestMs = (this.#expectedMs.get(this.#keyOf(scope)) ?? -Infinity) - this.#toleranceMs;
    return earliestMs - nowMs > ROUNDING_MS ? earliestMs - nowMs : 0;
  }

  pass(scope: Scope, nowMs: number): void {
    const key = this.#keyOf(scope);
    this.#expectedMs.set(key, Math.max(nowMs, this.#expectedMs.get(key) ?? nowMs) + this.#periodMs);
  }
}

function gate(limit: RateLimit | undefined, keyOf: (scope: Scope) => string): Gate[] {
  return limit === undefined ? [] : [new Gate(limit, keyOf)];
}
