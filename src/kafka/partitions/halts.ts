/** Why nothing is read for now. */
export type HaltReason = 'api' | 'results' | 'dead-letters' | 'retries' | 'draining';

/** Reasons to pause consumption; it goes on when none is left. */
export class Halts {
  private readonly reasons = new Set<HaltReason>();
  private listener: (isHalted: boolean) => void = () => undefined;

  get current(): readonly HaltReason[] {
    return [...this.reasons];
  }

  set(reason: HaltReason, isHalted: boolean): void {
    const before = this.reasons.size > 0;
    if (isHalted) this.reasons.add(reason);
    else this.reasons.delete(reason);
    const after = this.reasons.size > 0;
    if (before !== after) this.listener(after);
  }

  /** Calls `listener` whenever consumption is to pause or to go on; there is one listener. */
  watch(listener: (isHalted: boolean) => void): void {
    this.listener = listener;
  }
}
