import fc from 'fast-check';
import { percentile, percentileOfEach } from '../../../tools/lib/percentiles';

describe('percentile', () => {
  it('is the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([1, 50, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('sorts by value, not by text', () => {
    expect(percentile([10, 9, 100], 1)).toBe(100);
  });

  it('is NaN without values', () => {
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('is the smallest value with at least its share of the values at or below it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, share) => {
          const found = percentile(values, share);
          const atOrBelow = values.filter((value) => value <= found).length;
          const below = values.filter((value) => value < found).length;
          expect(atOrBelow).toBeGreaterThanOrEqual(share * values.length);
          expect(below).toBeLessThan(share * values.length);
        },
      ),
    );
  });
});

describe('percentileOfEach', () => {
  const rounds = [
    { calls: 3, missing: 0 },
    { calls: 1, missing: 2 },
    { calls: 2, missing: 0 },
  ];

  it('treats each figure by itself', () => {
    expect(percentileOfEach(rounds, 0)).toEqual({ calls: 1, missing: 0 });
    expect(percentileOfEach(rounds, 0.5)).toEqual({ calls: 2, missing: 0 });
    expect(percentileOfEach(rounds, 1)).toEqual({ calls: 3, missing: 2 });
  });

  it('does not hide a figure that could not be measured', () => {
    expect(percentileOfEach([{ calls: Number.NaN }, { calls: 1 }], 1)).toEqual({ calls: Number.NaN });
  });
});
