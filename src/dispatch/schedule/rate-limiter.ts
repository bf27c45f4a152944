import type { RateLimit } from '../../config/config';
import type { Channel } from '../../contract/channels';

/** Whom a call counts against. */
export interface Sender {
  readonly channel: Channel;
  readonly workspaceId: string;
  readonly recipient: string;
}

/** The scopes of a limit, widest first. */
export type Scope = 'channel' | 'workspace' | 'recipient';

/** Which limit refused a call, and how long until it would not. */
export interface Refusal {
  readonly scope: Scope;
  readonly waitMs: number;
}

/**
 * Grants calls so that no limit is ever exceeded: in any window w at most rate × w + burst calls are granted per scope.
 */
export interface RateLimiter {
  /**
   * Takes one call from every limit of the sender and answers null; or takes nothing and names the widest limit in the
   * way.
   */
  reserve(sender: Sender, nowMs: number): Refusal | null;
  /** The call that was granted is not made: what it took is free again. */
  giveBack(sender: Sender): void;
}

export type Limits = Readonly<Record<Channel, Readonly<Record<Scope, RateLimit | null>>>>;

/**
 * GCRA (generic cell rate algorithm, ITU-T I.371) for one limit over many keys: each key holds its theoretical arrival
 * time,
 * one number. A key untouched for the whole tolerance is as good as new, so two generations of maps, swapped at that
 * pace,
 * forget it without ever being searched.
 */
class Gcra {
  private readonly intervalMs: number;
  private readonly toleranceMs: number;
  private recent = new Map<string, number>();
  private older = new Map<string, number>();
  private swappedAtMs = -Infinity;

  constructor(limit: RateLimit) {
    this.intervalMs = limit.periodMs / limit.count;
    this.toleranceMs = (limit.burst - 1) * this.intervalMs;
  }

  /** Milliseconds until a call would conform; 0 where it does now. */
  waitMs(key: string, nowMs: number): number {
    const arrivalMs = this.recent.get(key) ?? this.older.get(key);
    if (arrivalMs === undefined) return 0;
    const conformsAtMs = arrivalMs - this.toleranceMs;
    if (conformsAtMs <= nowMs) return 0;
    const waitMs = conformsAtMs - nowMs;
    // Rounding may leave the sum just short of the instant, and the call would be refused a second time.
    return nowMs + waitMs >= conformsAtMs ? waitMs : waitMs + conformsAtMs * Number.EPSILON;
  }

  take(key: string, nowMs: number): void {
    if (nowMs - this.swappedAtMs > this.toleranceMs + this.intervalMs) this.swap(nowMs);
    const arrivalMs = this.recent.get(key) ?? this.older.get(key) ?? nowMs;
    this.recent.set(key, Math.max(arrivalMs, nowMs) + this.intervalMs);
  }

  giveBack(key: string): void {
    const arrivalMs = this.recent.get(key) ?? this.older.get(key);
    if (arrivalMs !== undefined) this.recent.set(key, arrivalMs - this.intervalMs);
  }

  private swap(nowMs: number): void {
    this.older = this.recent;
    this.recent = new Map();
    this.swappedAtMs = nowMs;
  }
}

/** Limits of one process alone, kept in memory. */
export class LocalRateLimiter implements RateLimiter {
  private readonly byChannel = new Map<Channel, { scope: Scope; gcra: Gcra; keyOf: (sender: Sender) => string }[]>();

  constructor(limits: Limits) {
    for (const [channel, scopes] of Object.entries(limits) as [Channel, Limits[Channel]][]) {
      this.byChannel.set(
        channel,
        SCOPES.flatMap(({ scope, keyOf }) => {
          const limit = scopes[scope];
          return limit === null ? [] : [{ scope, gcra: new Gcra(limit), keyOf }];
        }),
      );
    }
  }

  reserve(sender: Sender, nowMs: number): Refusal | null {
    const limits = this.byChannel.get(sender.channel) ?? [];
    for (const { scope, gcra, keyOf } of limits) {
      const waitMs = gcra.waitMs(keyOf(sender), nowMs);
      if (waitMs > 0) return { scope, waitMs };
    }
    for (const { gcra, keyOf } of limits) gcra.take(keyOf(sender), nowMs);
    return null;
  }

  giveBack(sender: Sender): void {
    for (const { gcra, keyOf } of this.byChannel.get(sender.channel) ?? []) gcra.giveBack(keyOf(sender));
  }
}

const SCOPES: readonly { scope: Scope; keyOf: (sender: Sender) => string }[] = [
  { scope: 'channel', keyOf: () => '' },
  { scope: 'workspace', keyOf: (sender) => sender.workspaceId },
  { scope: 'recipient', keyOf: (sender) => sender.recipient },
];
