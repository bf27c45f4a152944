import { Heap } from 'heap-js';

interface Timed<T> {
  readonly atMs: number;
  readonly value: T;
}

/** Values by due time, earliest first; O(log n). */
export class TimerHeap<T> {
  private readonly heap = new Heap<Timed<T>>((a, b) => a.atMs - b.atMs);

  push(atMs: number, value: T): void {
    this.heap.push({ atMs, value });
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
