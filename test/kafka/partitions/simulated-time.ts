import { type Clock } from '../../../src/dispatch/clock';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** The time of a simulation. It jumps from one timer to the next, and all promises settle in between. */
export class SimulatedTime {
  nowMs = 1_000_000;
  private readonly timers = new Set<Timer>();

  /** @param watch called after each timer */
  constructor(private readonly watch: () => void) {}

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Lets time pass until `isDone` returns true, but at most `maxMs`. */
  async pass(maxMs: number, isDone: () => boolean = () => false): Promise<void> {
    const untilMs = this.nowMs + maxMs;
    await nextTurn();
    for (let next = this.next(untilMs); next !== null && !isDone(); next = this.next(untilMs)) {
      this.timers.delete(next);
      this.nowMs = next.atMs;
      next.run();
      await nextTurn();
      this.watch();
    }
    if (!isDone()) this.nowMs = untilMs;
  }

  private next(untilMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.timers)
      if (timer.atMs <= untilMs && (next === null || timer.atMs < next.atMs)) next = timer;
    return next;
  }
}

/** Waits until all resolved promises have run, and everything that waits for the next turn of the event loop. */
async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** The clock of one process. A frozen process runs its timers later; a killed one runs none any more. */
export class ProcessClock implements Clock {
  isKilled = false;
  private frozen: (() => void)[] | null = null;

  constructor(private readonly time: SimulatedTime) {}

  get isFrozen(): boolean {
    return this.frozen !== null;
  }

  monotonicMs(): number {
    return this.time.nowMs;
  }

  wallMs(): number {
    return this.time.nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    let isCancelled = false;
    const wake = (): void => {
      if (!isCancelled) run();
    };
    const cancel = this.time.after(delayMs, () => this.deliver(wake));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  soon(run: () => void): void {
    queueMicrotask(run);
  }

  freeze(forMs: number): void {
    if (this.isFrozen) return;
    this.frozen = [];
    this.time.after(forMs, () => {
      const waiting = this.frozen ?? [];
      this.frozen = null;
      for (const run of waiting) this.after(0, run);
    });
  }

  private deliver(run: () => void): void {
    if (this.isKilled) return;
    if (this.frozen === null) run();
    else this.frozen.push(run);
  }
}
