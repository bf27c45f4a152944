interface Entry {
  readonly dueMs: number;
  readonly run: () => void;
}

/**
 * Runs functions after a delay: never early and, on an idle event loop, less than 1 ms late. One timer serves all of
 * them, with a binary heap by due time.
 */
export class DelayQueue {
  readonly #heap: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = Infinity;

  add(delayMs: number, run: () => void): void {
    const nowMs = performance.now();
    const entry = { dueMs: nowMs + delayMs, run };
    this.#push(entry);
    if (entry.dueMs < this.#timerDueMs) this.#arm(nowMs, entry.dueMs);
  }

  /** Forgets all waiting functions. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerDueMs = Infinity;
    this.#heap.length = 0;
  }

  #arm(nowMs: number, dueMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => this.#fire(), Math.ceil(dueMs - nowMs));
  }

  #fire(): void {
    this.#timer = null;
    this.#timerDueMs = Infinity;
    // Timers count whole milliseconds and can be up to one early. A function that is not due then waits for another
    // timer.
    const nowMs = performance.now();
    for (let first = this.#heap[0]; first !== undefined && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop();
      first.run();
    }
    const next = this.#heap[0];
    if (next !== undefined && next.dueMs < this.#timerDueMs) this.#arm(performance.now(), next.dueMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.dueMs <= entry.dueMs) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.dueMs < heap[child]!.dueMs) child++;
      if (heap[child]!.dueMs >= last.dueMs) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
