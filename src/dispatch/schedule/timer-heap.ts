import { Heap } from 'heap-js';

interface Timed<T> {
  readonly atMs: number;
  readonly order: number;
  readonly value: T;
}

/** Values by due time, earliest first, and those of one time in the order in which they came; O(log n). */
export class TimerHeap<T> {
  private readonly heap = new Heap<Timed<T>>((a, b) => a.atMs - b.atMs || a.order - b.order);
  private pushed = 0;

  push(atMs: number, value: T): void {
    this.heap.push({ atMs, order: this.pushed++, value });
  }

  /** Removes and returns the earliest value that is due, or undefined. */
  popDue(nowMs: number): Timed<T> | undefined {
    const first = this.heap.peek();
    return first !== undefined && first.atMs <= nowMs ? this.heap.pop() : undefined;
  }

  /** When the earliest value is due; Infinity where there is none. */
  nextAtMs(): number {
    return this.heap.peek()?.atMs ?? Infinity;
  }
}
