import fc from 'fast-check';
import { parseRateLimit } from '../../src/config/rate-limit';

describe('parseRateLimit', () => {
  it.each([
    ['80/s', { count: 80, periodMs: 1_000, burst: 4 }],
    ['20/min', { count: 20, periodMs: 60_000, burst: 1 }],
    ['1/6s', { count: 1, periodMs: 6_000, burst: 1 }],
    ['80/s burst 40', { count: 80, periodMs: 1_000, burst: 40 }],
    ['3/250ms', { count: 3, periodMs: 250, burst: 1 }],
    ['100/h', { count: 100, periodMs: 3_600_000, burst: 1 }],
    ['1000/d', { count: 1_000, periodMs: 86_400_000, burst: 1 }],
    ['59/s', { count: 59, periodMs: 1_000, burst: 2 }],
  ])('reads %s', (text, limit) => {
    expect(parseRateLimit(text)).toEqual(limit);
  });

  it.each(['', '80', '80/', '/s', '0/s', '-1/s', '1.5/s', '1/0s', '80/week', '80 / s', '80/s burst', '80/s burst 0'])(
    'refuses "%s"',
    (text) => {
      expect(parseRateLimit(text)).toBeNull();
    },
  );

  it.each(['80/s,20/min', '80/sburst 4', '1000000/s', '1e3/s', '80/constructor', ' 80/s', '80/s\n'])(
    'refuses %j',
    (text) => {
      expect(parseRateLimit(text)).toBeNull();
    },
  );

  const whole = fc.integer({ min: 1, max: 999_999 });
  const unit = fc.constantFrom(['ms', 1], ['s', 1_000], ['min', 60_000], ['h', 3_600_000], ['d', 86_400_000] as const);

  it('reads every rate that it can be written with', () => {
    fc.assert(
      fc.property(whole, whole, unit, whole, (count, periods, [name, unitMs], burst) => {
        const limit = { count, periodMs: periods * Number(unitMs), burst };
        expect(parseRateLimit(`${count}/${periods}${name} burst ${burst}`)).toEqual(limit);
      }),
    );
  });

  it("gives a burst of at most 50 ms' worth, and never less than one", () => {
    fc.assert(
      fc.property(whole, whole, (count, periods) => {
        const limit = parseRateLimit(`${count}/${periods}ms`);
        const worth = (count * 50) / periods;
        expect(limit?.burst).toBeGreaterThanOrEqual(1);
        expect(limit?.burst).toBeLessThanOrEqual(Math.max(1, worth));
        expect(limit?.burst).toBeGreaterThan(worth - 1);
      }),
    );
  });
});
