import type { Called } from './circuit';

/** How far back failures count. */
export const WINDOW_MS = 10_000;
/** So many commands must fail before a scope counts as broken. */
export const LEAST_COMMANDS = 10;
/** With so many ordering keys. */
export const LEAST_KEYS = 5;
/** Short against the waits between attempts, so that successes just before an outage hardly count into it. */
const SLICE_MS = 50;

interface Slice {
  readonly index: number;
  /** Commands that succeeded before the first failure of the slice, and after it. */
  before: number;
  after: number;
  /** Commands whose latest call failed in this slice. */
  failures: number;
  hasFailed: boolean;
}

/**
 * The commands of the last 10 s, each counted once, by its latest call. A success costs one addition; only commands
 * that
 * fail are remembered. Slices of 50 ms; there are none where nothing was called.
 */
export class FailureWindow {
  private readonly slices: Slice[] = [];
  /** By latest failure, the oldest first. */
  private readonly failed = new Map<Called, Slice>();

  /** A command ended with an answer. */
  success(command: Called, nowMs: number): void {
    if (this.failed.size > 0) this.recovered(command);
    const slice = this.slice(nowMs);
    if (slice.hasFailed) slice.after++;
    else slice.before++;
  }

  failure(command: Called, nowMs: number): void {
    this.recovered(command);
    const slice = this.slice(nowMs);
    slice.hasFailed = true;
    slice.failures++;
    this.failed.set(command, slice);
  }

  /** The command's latest call is no failure any more. */
  recovered(command: Called): void {
    const slice = this.failed.get(command);
    if (slice === undefined) return;
    slice.failures--;
    this.failed.delete(command);
  }

  clear(): void {
    this.slices.length = 0;
    this.failed.clear();
  }

  /** What a narrower window has counted does not count here any more. */
  takeOut(narrower: FailureWindow): void {
    for (const command of narrower.failed.keys()) this.recovered(command);
    const byIndex = new Map(this.slices.map((slice) => [slice.index, slice]));
    for (const { index, before, after } of narrower.slices) {
      const slice = byIndex.get(index);
      if (slice === undefined) continue;
      const fromBefore = Math.min(slice.before, before + after);
      slice.before -= fromBefore;
      slice.after = Math.max(0, slice.after - (before + after - fromBefore));
    }
  }

  /**
   * Whether what is counted here fails as a whole, judged by the calls since `sinceMs` (at most 10 s back): at least 10
   * commands with at least 5 ordering keys, and at least half of all commands.
   */
  isBroken(nowMs: number, sinceMs = -Infinity): boolean {
    this.forget(nowMs);
    if (this.failed.size < LEAST_COMMANDS) return false;
    const first = Math.floor(sinceMs / SLICE_MS);
    let failures = 0;
    let successes = 0;
    for (let i = this.slices.length - 1; i >= 0; i--) {
      const slice = this.slices[i];
      if (slice === undefined || slice.index < first) break;
      failures += slice.failures;
      successes += slice.index === first ? slice.after : slice.before + slice.after;
    }
    return failures >= LEAST_COMMANDS && failures >= successes && this.hasKeysSince(first);
  }

  private hasKeysSince(first: number): boolean {
    const keys = new Set<string>();
    for (const [command, slice] of this.failed) {
      if (slice.index < first) continue;
      keys.add(command.keyId);
      if (keys.size >= LEAST_KEYS) return true;
    }
    return false;
  }

  private slice(nowMs: number): Slice {
    const index = Math.floor(nowMs / SLICE_MS);
    const last = this.slices.at(-1);
    if (last?.index === index) return last;
    this.forget(nowMs);
    const slice: Slice = { index, before: 0, after: 0, failures: 0, hasFailed: false };
    this.slices.push(slice);
    return slice;
  }

  private forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - WINDOW_MS) / SLICE_MS);
    while ((this.slices[0]?.index ?? Infinity) <= oldest) this.slices.shift();
    for (const [command, slice] of this.failed) {
      if (slice.index > oldest) break;
      this.failed.delete(command);
    }
  }
}
