import fc from 'fast-check';
import { TimerHeap } from '../../../src/dispatch/schedule/timer-heap';

describe('TimerHeap', () => {
  it('gives back what is due, earliest first, and keeps the rest', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(100), (times, nowMs) => {
        const heap = new TimerHeap<number>();
        for (const atMs of times) heap.push(atMs, atMs);
        const popped: number[] = [];
        for (let due = heap.popDue(nowMs); due !== undefined; due = heap.popDue(nowMs)) popped.push(due.value);
        const sorted = [...times].sort((a, b) => a - b);
        expect(popped).toEqual(sorted.filter((atMs) => atMs <= nowMs));
        expect(heap.nextAtMs()).toBe(sorted.find((atMs) => atMs > nowMs) ?? Infinity);
      }),
    );
  });
});
