/** Why nothing is read for now. */
export type HaltReason = 'api' | 'draining';

/** The reasons for which reading is halted. It goes on when none is left. */
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

  /** Calls `listener` when reading must halt or may go on. There is one listener. */
  watch(listener: (isHalted: boolean) => void): void {
    this.listener = listener;
  }
}
