import type { Clock } from '../clock';

/** Longest sleep: a wait that ends later is looked at again. */
export const MAX_SLEEP_MS = 60_000;

/** One call-back at a time, at the instant from which something may be sent again. */
export class WakeUp {
  private dueAtMs = 0;
  private cancelTimer: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly wake: () => void,
  ) {}

  /** Wakes after `waitMs`, at most MAX_SLEEP_MS; `Infinity` is for what wakes by itself. */
  after(waitMs: number): void {
    this.cancel();
    if (waitMs === Infinity) return;
    const sleepMs = Math.min(Math.ceil(waitMs), MAX_SLEEP_MS);
    this.dueAtMs = this.clock.monotonicMs() + sleepMs;
    this.cancelTimer = this.clock.after(sleepMs, this.wake);
  }

  cancel(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  /** For how long it should have woken and has not. */
  overdueMs(nowMs: number): number {
    return this.cancelTimer === null ? 0 : Math.max(0, nowMs - this.dueAtMs);
  }
}
