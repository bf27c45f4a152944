const FIRST_PROBE_MS = 1_000;
const NEXT_PROBE_MS = 5_000;

/** What may be sent now: anything; one call that finds out whether things are better; or nothing for a while. */
export type Passage =
  { readonly kind: 'free' } | { readonly kind: 'probe' } | { readonly kind: 'blocked'; readonly waitMs: number };

const FREE: Passage = { kind: 'free' };
const PROBE: Passage = { kind: 'probe' };

/**
 * An open-or-closed switch that probes its way back: the first probe 1 s after it opened, then one every 5 s, never two at
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

  /** Opens it; where it is open already, nothing changes. */
  trip(nowMs: number): void {
    if (this.state !== 'closed') return;
    this.state = 'open';
    this.probeAtMs = nowMs + FIRST_PROBE_MS;
  }

  passage(nowMs: number): Passage {
    switch (this.state) {
      case 'closed':
        return FREE;
      case 'probing':
        return { kind: 'blocked', waitMs: Infinity };
      case 'open':
        return nowMs >= this.probeAtMs ? PROBE : { kind: 'blocked', waitMs: this.probeAtMs - nowMs };
    }
  }

  /** The probe that `passage` offered has been sent. */
  probing(nowMs: number): void {
    if (this.state !== 'open') return;
    this.state = 'probing';
    this.probeAtMs = nowMs + NEXT_PROBE_MS;
  }

  /** The probe was not sent after all. */
  unprobed(): void {
    if (this.state !== 'probing') return;
    this.state = 'open';
    this.probeAtMs = -Infinity;
  }

  /** The probe came back; what says nothing of what is guarded is `no-better`. Where none is out, nothing changes. */
  probed(answer: 'better' | 'no-better'): void {
    if (this.state === 'probing') this.state = answer === 'better' ? 'closed' : 'open';
  }
}
