import fc from 'fast-check';
import { fullJitter } from '../../src/messages-api/backoff';

const almostOne = (): number => 1 - Number.EPSILON;

describe('fullJitter', () => {
  it('doubles the ceiling with every call up to the cap', () => {
    const ceilings = [1, 2, 3, 4, 5, 6].map((calls) =>
      Math.ceil(fullJitter({ baseDelayMs: 200, maxDelayMs: 3000 }, calls, almostOne) + 0.5),
    );
    expect(ceilings).toEqual([200, 400, 800, 1600, 3000, 3000]);
  });

  it('spreads evenly from zero', () => {
    const at = (random: number): number => fullJitter({ baseDelayMs: 1000, maxDelayMs: 9000 }, 1, () => random);
    expect([0, 0.25, 0.5, 0.75].map(at)).toEqual([0, 250, 500, 750]);
  });

  it('is a whole number up to the cap for any number of calls', () => {
    fc.assert(
      fc.property(
        fc.nat(1e6),
        fc.nat(1e9),
        fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(1024, 1e6, Number.MAX_SAFE_INTEGER)),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (baseDelayMs, maxDelayMs, calls, random) => {
          const delayMs = fullJitter({ baseDelayMs, maxDelayMs }, calls, () => random);
          expect(Number.isSafeInteger(delayMs)).toBe(true);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThanOrEqual(Math.min(maxDelayMs, baseDelayMs * 2 ** (calls - 1)) || 0);
        },
      ),
    );
  });
});
