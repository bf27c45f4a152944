const FIRST_PROBE_MS = 1_000;
const NEXT_PROBE_MS = 5_000;

/**
 * What may be sent now: anything; one call that finds out whether things are better; or nothing for a while
 * (`Infinity`:
 * until a call comes back). `isRepeat` says that the workspace has been tried in vain already: others go first.
 */
export type Passage =
  | { readonly kind: 'free' }
  | { readonly kind: 'probe'; readonly isRepeat: boolean }
  | { readonly kind: 'blocked'; readonly waitMs: number; readonly isRepeat: boolean };

export const FREE: Passage = { kind: 'free' };
export const PROBE: Passage = { kind: 'probe', isRepeat: false };
export const PROBE_AGAIN: Passage = { kind: 'probe', isRepeat: true };
/** Until a call comes back. */
export const BLOCKED: Passage = { kind: 'blocked', waitMs: Infinity, isRepeat: false };

/** What may be sent where both are to be obeyed. */
export function stricter(a: Passage, b: Passage): Passage {
  if (a.kind === 'free') return b;
  if (b.kind === 'free') return a;
  const isRepeat = a.isRepeat || b.isRepeat;
  if (a.kind === 'probe' && b.kind === 'probe') return isRepeat ? PROBE_AGAIN : PROBE;
  const waitMs = Math.max(a.kind === 'blocked' ? a.waitMs : 0, b.kind === 'blocked' ? b.waitMs : 0);
  return { kind: 'blocked', waitMs, isRepeat };
}

/**
 * An open-or-closed switch that probes its way back: the first probe 1 s after it opened, then one every 5 s, never two
 * at
 * once. One that takes longer than that to come back in vain is followed by the next at once.
 *
 *     closed → trip → open → (1 s, then 5 s) → probing → success → closed
 *                                                      → failure → open
 */
export class Breaker {
  private state: 'closed' | 'open' | 'probing' = 'closed';
  private probeAtMs = 0;

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  get isProbing(): boolean {
    return this.state === 'probing';
  }

  /** Opens it; if it is open already, nothing changes. */
  trip(nowMs: number): void {
    if (this.state !== 'closed') return;
    this.state = 'open';
    this.probeAtMs = nowMs + FIRST_PROBE_MS;
  }

  /** @param isRepeat whether whoever asks has been tried since it opened */
  passage(nowMs: number, isRepeat = false): Passage {
    switch (this.state) {
      case 'closed':
        return FREE;
      case 'probing':
        return BLOCKED;
      case 'open':
        if (nowMs < this.probeAtMs) return { kind: 'blocked', waitMs: this.probeAtMs - nowMs, isRepeat };
        return isRepeat ? PROBE_AGAIN : PROBE;
    }
  }

  /** A probe has been sent. */
  probing(nowMs: number): void {
    if (this.state !== 'open') return;
    this.state = 'probing';
    this.probeAtMs = nowMs + NEXT_PROBE_MS;
  }

  /** The probe was not sent after all, or said nothing: the next one may go at once. */
  unprobed(): void {
    if (this.state === 'probing') this.state = 'open';
    this.hasten();
  }

  /** The next probe may go at once. */
  hasten(): void {
    this.probeAtMs = -Infinity;
  }

  /** The probe came back; what says nothing of what is guarded is `no-better`. If none is out, nothing changes. */
  probed(answer: 'better' | 'no-better'): void {
    if (this.state === 'probing') this.state = answer === 'better' ? 'closed' : 'open';
  }
}
