const WINDOW_MS = 600_000;

/** How often something may be restarted: so many times within any ten minutes. */
export class RestartBudget {
  private takenMs: number[] = [];

  constructor(private readonly restarts: number) {}

  /** Takes one restart; false where the budget is used up. */
  take(nowMs: number): boolean {
    this.takenMs = this.takenMs.filter((ms) => nowMs - ms < WINDOW_MS);
    if (this.takenMs.length >= this.restarts) return false;
    this.takenMs.push(nowMs);
    return true;
  }
}
