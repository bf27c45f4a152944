import type { Called } from './circuit';
import { LEAST_COMMANDS, LEAST_KEYS, WINDOW_MS } from './failure-window';

/**
 * Failures further apart than this do not belong together. Longer than a probe that hangs and the wait for the next.
 */
const GAP_MS = 30_000;

/**
 * Whether anything at all succeeds in a scope. It counts what narrower circuits have taken out as well: so an outage is
 * one,
 * however many workspaces or channels share it. Holds at most ten commands and five keys.
 */
export class Standstill {
  private readonly commands = new Set<object>();
  private readonly keys = new Set<string>();
  private succeededAtMs = -Infinity;
  private failedAtMs = -Infinity;
  private firstAtMs = -Infinity;

  /** The first failure since anything succeeded. */
  get sinceMs(): number {
    return this.firstAtMs;
  }

  success(nowMs: number): void {
    this.succeededAtMs = nowMs;
    if (this.commands.size > 0) this.clear();
  }

  failure(command: Called, nowMs: number): void {
    if (nowMs - this.failedAtMs > GAP_MS) this.clear();
    this.failedAtMs = nowMs;
    if (this.commands.size === 0) this.firstAtMs = nowMs;
    if (this.commands.size < LEAST_COMMANDS) this.commands.add(command);
    if (this.keys.size < LEAST_KEYS) this.keys.add(command.keyId);
  }

  /** Whether nothing has succeeded for 10 s, and enough has failed. */
  isBroken(nowMs: number): boolean {
    return this.hasEnough && nowMs - this.succeededAtMs >= WINDOW_MS;
  }

  /** Whether nothing has succeeded since then. */
  isStill(sinceMs: number): boolean {
    return this.succeededAtMs < sinceMs;
  }

  /** Whether failures of 10 commands with 5 keys have come since the last success. */
  get hasEnough(): boolean {
    return this.commands.size >= LEAST_COMMANDS && this.keys.size >= LEAST_KEYS;
  }

  private clear(): void {
    this.commands.clear();
    this.keys.clear();
  }
}
