const WINDOW_MS = 600_000;

/** Allows a number of restarts within any ten minutes. */
export class RestartBudget {
  private restartedAtMs: number[] = [];

  constructor(private readonly maxRestarts: number) {}

  /** Takes one restart from the budget. Returns false if the budget is used up. */
  take(nowMs: number): boolean {
    this.restartedAtMs = this.restartedAtMs.filter((ms) => nowMs - ms < WINDOW_MS);
    if (this.restartedAtMs.length >= this.maxRestarts) return false;
    this.restartedAtMs.push(nowMs);
    return true;
  }
}
