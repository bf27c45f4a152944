/** Between two lines about a fault that goes on. */
const REMIND_MS = 60_000;

/**
 * Decides when a fault that repeats itself is logged: at once, then once a minute until it is over. Attempts that
 * repeat
 * many times a second would else bury the log.
 */
export class RecurringFault {
  private loggedAtMs: number | null = null;

  constructor(private readonly nowMs: () => number) {}

  /** It has happened, perhaps again. Returns whether to log it now. */
  happened(): boolean {
    const nowMs = this.nowMs();
    if (this.loggedAtMs !== null && nowMs - this.loggedAtMs < REMIND_MS) return false;
    this.loggedAtMs = nowMs;
    return true;
  }

  /** What failed has worked. Returns whether that ends a fault that was logged. */
  ended(): boolean {
    const wasLogged = this.loggedAtMs !== null;
    this.loggedAtMs = null;
    return wasLogged;
  }
}
