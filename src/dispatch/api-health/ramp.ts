/** Calls at once right after an outage. */
const FIRST = 4;
/** By which every success raises the limit: a quarter more with each round trip, so 256 calls take some 20 of them. */
const STEP = 0.25;

/**
 * Limits the calls at once after an outage, so that an API that has just come back is not run down again: few at first,
 * more
 * with every success, until the usual limit is reached. A failure takes back what one success gave, so the limit rises
 * while
 * more than half of the calls succeed: a few poisonous commands cannot keep it low, and half of all is an outage again.
 */
export class Ramp {
  private limit = Infinity;

  /** @param fullLimit where the ramp ends */
  constructor(private readonly fullLimit: number) {}

  get isOver(): boolean {
    return this.limit === Infinity;
  }

  get most(): number {
    return Math.min(Math.floor(this.limit), this.fullLimit);
  }

  /** The API has come back. */
  begin(): void {
    this.limit = FIRST;
  }

  success(): void {
    if (this.limit === Infinity) return;
    this.limit += STEP;
    if (this.limit >= this.fullLimit) this.limit = Infinity;
  }

  failure(): void {
    if (this.limit !== Infinity) this.limit = Math.max(FIRST, this.limit - STEP);
  }
}
