import fc from 'fast-check';
import { Pace } from '../../src/dead-letters/pace';

describe('the pace', () => {
  it('permits at most rate × w + burst letters in any window w', () => {
    const rates = fc.record({
      count: fc.integer({ min: 1, max: 500 }),
      periodMs: fc.integer({ min: 1, max: 60_000 }),
      burst: fc.integer({ min: 1, max: 300 }),
    });
    const batches = fc.array(fc.record({ size: fc.integer({ min: 1, max: 300 }), idleMs: fc.nat(5_000) }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(rates, batches, (rate, wanted) => {
        const pace = new Pace(rate);
        const sent: { atMs: number; count: number }[] = [];
        let nowMs = 1_000;
        for (const { size, idleMs } of wanted) {
          nowMs += idleMs;
          nowMs += pace.waitMs(nowMs);
          const count = Math.min(size, pace.maxBatch);
          pace.sent(count, nowMs);
          sent.push({ atMs: nowMs, count });
        }
        for (let from = 0; from < sent.length; from++) {
          let total = 0;
          for (const { atMs, count } of sent.slice(from)) {
            total += count;
            const windowMs = atMs - (sent[from]?.atMs ?? 0);
            expect(total).toBeLessThanOrEqual((rate.count / rate.periodMs) * windowMs + rate.burst + 1e-6);
          }
        }
      }),
    );
  });

  it('never waits without a rate', () => {
    const pace = new Pace(null);
    pace.sent(pace.maxBatch, 0);
    expect(pace.waitMs(0)).toBe(0);
  });
});
