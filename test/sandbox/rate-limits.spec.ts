import fc from 'fast-check';
import { RateLimiter } from '../../sandbox/rate-limits.ts';

const SCOPE = { channel: 'whatsapp', workspace: 'w-1', recipient: 'r-1' };

describe('RateLimiter', () => {
  it('passes a client that is exactly at the rate, for ever', () => {
    const limiter = new RateLimiter({ perChannel: { ratePerSecond: 30, burst: 1, slackMs: 0 } });
    for (let call = 0; call < 10_000; call++) expect(limiter.admit(SCOPE, (call * 1000) / 30)).toBe(0);
  });

  it('passes a burst of exactly its size, then says how long to wait', () => {
    const limiter = new RateLimiter({ perChannel: { count: 10, windowMs: 1000, burst: 3, slackMs: 0 } });
    expect([1, 2, 3, 4].map(() => limiter.admit(SCOPE, 0))).toEqual([0, 0, 0, 100]);
    expect(limiter.admit(SCOPE, 99)).toBeCloseTo(1);
    expect(limiter.admit(SCOPE, 100)).toBe(0);
  });

  it('refuses a client that is one per cent too fast', () => {
    const limiter = new RateLimiter({ perChannel: { ratePerSecond: 100 } });
    const waits = Array.from({ length: 2000 }, (_, call) => limiter.admit(SCOPE, call * 9.9));
    expect(waits.filter((waitMs) => waitMs > 0).length).toBeGreaterThan(5);
  });

  it('passes calls that come together because some were late by less than the slack', () => {
    const limiter = new RateLimiter({ perChannel: { ratePerSecond: 100, burst: 1 } });
    expect([20, 22, 24, 30].map((arrivalMs) => limiter.admit(SCOPE, arrivalMs))).toEqual([0, 0, 0, 0]);
  });

  it('passes in any window at most rate × window + burst, and all calls of a client that keeps to that', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 5 }), (gapsMs, burst) => {
        const limits = { perChannel: { ratePerSecond: 50, burst, slackMs: 0 } };
        const limiter = new RateLimiter(limits);
        const again = new RateLimiter(limits);
        let nowMs = 0;
        const passed = gapsMs.map((gapMs) => (nowMs += gapMs)).filter((atMs) => limiter.admit(SCOPE, atMs) === 0);
        passed.forEach((fromMs, first) => {
          passed.slice(first).forEach((toMs, more) => {
            expect(more + 1).toBeLessThanOrEqual(((toMs - fromMs) * 50) / 1000 + burst + 1e-6);
          });
        });
        for (const atMs of passed) expect(again.admit(SCOPE, atMs)).toBe(0);
      }),
    );
  });

  it('counts by channel, workspace and recipient, each per channel', () => {
    const once = { ratePerSecond: 0.001, burst: 1 };
    const other = { channel: 'telegram', workspace: 'w-2', recipient: 'r-2' };
    for (const [limit, field] of [
      ['perChannel', 'channel'],
      ['perWorkspace', 'workspace'],
      ['perRecipient', 'recipient'],
    ] as const) {
      const limiter = new RateLimiter({ [limit]: once });
      expect(limiter.admit(SCOPE, 0)).toBe(0);
      expect(limiter.admit({ ...other, channel: SCOPE.channel, [field]: SCOPE[field] }, 0)).toBeGreaterThan(0);
      expect(limiter.admit({ ...SCOPE, [field]: other[field] }, 0)).toBe(0);
      expect(limiter.admit({ ...SCOPE, channel: 'messenger' }, 0)).toBe(0);
    }
  });

  it('charges no limit for a call that another one refuses', () => {
    const limiter = new RateLimiter({
      perChannel: { ratePerSecond: 0.001, burst: 2 },
      perRecipient: { ratePerSecond: 0.001, burst: 1 },
    });
    expect(limiter.admit(SCOPE, 0)).toBe(0);
    expect(limiter.admit(SCOPE, 0)).toBeGreaterThan(0);
    expect(limiter.admit({ ...SCOPE, recipient: 'r-2' }, 0)).toBe(0);
  });
});
