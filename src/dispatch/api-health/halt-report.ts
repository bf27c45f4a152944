import type { DispatchListener } from '../ports';

/** Tells the listener what has changed, and nothing twice. */
export class HaltReport {
  private isShut = false;
  private isHalted = false;

  constructor(private readonly listener: Pick<DispatchListener, 'onHalted' | 'onShut'>) {}

  /** While nothing may be sent, consumption pauses; but a replica that has nothing in hand needs something to probe with. */
  update(isShut: boolean, isAnythingInHand: boolean): void {
    if (isShut !== this.isShut) {
      this.isShut = isShut;
      this.listener.onShut(isShut);
    }
    const isHalted = isShut && isAnythingInHand;
    if (isHalted === this.isHalted) return;
    this.isHalted = isHalted;
    this.listener.onHalted(isHalted);
  }
}
