import type { DispatchListener } from '../ports';

/** Tells the listener what has changed, and nothing twice. */
export class HaltReport {
  /** Whether nothing may be sent but probes. */
  isShut = false;
  private isHalted = false;

  constructor(private readonly listener: Pick<DispatchListener, 'onHalted' | 'onShut'>) {}

  /**
   * @param mayWait whether there is enough in hand to probe with: else reading goes on, although nothing else may be
   * sent
   */
  update(isShut: boolean, mayWait: boolean): void {
    if (isShut !== this.isShut) {
      this.isShut = isShut;
      this.listener.onShut(isShut);
    }
    const isHalted = isShut && mayWait;
    if (isHalted === this.isHalted) return;
    this.isHalted = isHalted;
    this.listener.onHalted(isHalted);
  }
}
