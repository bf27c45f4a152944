import fc from 'fast-check';
import { DelayQueue } from '../../sandbox/delay-queue.ts';

describe('DelayQueue', () => {
  afterEach(() => jest.useRealTimers());

  it('runs everything once, in order of due time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 60 }), (delaysMs) => {
        jest.useFakeTimers();
        const queue = new DelayQueue();
        const ran: number[] = [];
        for (const delayMs of delaysMs) queue.add(delayMs, () => ran.push(delayMs));
        jest.advanceTimersByTime(501);
        expect(ran).toEqual(delaysMs.toSorted((a, b) => a - b));
        expect(jest.getTimerCount()).toBe(0);
      }),
    );
  });

  it('is never early by the clock', async () => {
    const queue = new DelayQueue();
    const early: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const startMs = performance.now();
        const delayMs = 1 + (index % 40) * 0.7;
        return new Promise<void>((resolve) => {
          queue.add(delayMs, () => {
            if (performance.now() - startMs < delayMs) early.push(delayMs);
            resolve();
          });
        });
      }),
    );
    expect(early).toEqual([]);
  });

  it('forgets all waiting functions when it is cleared', () => {
    jest.useFakeTimers();
    const queue = new DelayQueue();
    const run = jest.fn();
    queue.add(5, run);
    queue.clear();
    jest.advanceTimersByTime(100);
    expect(run).not.toHaveBeenCalled();
    queue.add(5, run);
    jest.advanceTimersByTime(100);
    expect(run).toHaveBeenCalledTimes(1);
  });
});
