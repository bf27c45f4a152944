import fc from 'fast-check';
import { type Limits, LocalRateLimiter, type Sender } from '../../../src/dispatch/schedule/rate-limiter';
import { fixedLimits, limitsOf } from '../fixtures';

const sender = (over: Partial<Sender> = {}): Sender => ({
  channel: 'whatsapp',
  workspaceId: 'w-1',
  recipient: 'r-1',
  ...over,
});

const limit = fc.record({
  count: fc.integer({ min: 1, max: 1000 }),
  periodMs: fc.constantFrom(1000, 6000, 60_000, 7),
  burst: fc.integer({ min: 1, max: 8 }),
});
const gapMs = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 50, noNaN: true }),
  fc.double({ min: 0, max: 1e5, noNaN: true }),
);
/** Waits, each with the number of calls that are tried after it. */
const arrivals = fc.array(fc.tuple(gapMs, fc.integer({ min: 1, max: 20 })), { maxLength: 40 });
const startMs = fc.double({ min: 0, max: 1e9, noNaN: true });

describe('LocalRateLimiter', () => {
  it('grants at most rate × w + burst calls in any window w', () => {
    fc.assert(
      fc.property(limit, startMs, arrivals, (rate, fromMs, bursts) => {
        const limiter = new LocalRateLimiter(limitsOf({ recipient: rate }));
        const granted: number[] = [];
        let nowMs = fromMs;
        for (const [waitMs, calls] of bursts) {
          nowMs += waitMs;
          // Calls of others drive the generations in which keys are forgotten.
          limiter.reserve(sender({ recipient: `r-${nowMs}` }), nowMs);
          for (let i = 0; i < calls; i++) if (limiter.reserve(sender(), nowMs) === null) granted.push(nowMs);
        }
        granted.forEach((firstMs, first) => {
          for (let last = first; last < granted.length; last++) {
            const windowMs = (granted[last] ?? 0) - firstMs;
            expect(last - first + 1).toBeLessThanOrEqual((rate.count / rate.periodMs) * windowMs + rate.burst + 1e-6);
          }
        });
      }),
    );
  });

  it('is used to the last call: what it refuses it grants exactly after the wait that it names', () => {
    fc.assert(
      fc.property(limit, startMs, fc.integer({ min: 1, max: 300 }), (rate, fromMs, calls) => {
        const limiter = new LocalRateLimiter(limitsOf({ channel: rate }));
        let nowMs = fromMs;
        for (let i = 0; i < calls; i++) {
          const refusal = limiter.reserve(sender(), nowMs);
          if (refusal === null) continue;
          expect(refusal.waitMs).toBeGreaterThan(0);
          nowMs += refusal.waitMs;
          expect(limiter.reserve(sender(), nowMs)).toBeNull();
        }
      }),
    );
  });

  it('names a wait that rounding does not cut short', () => {
    const limiter = new LocalRateLimiter(limitsOf({ channel: { count: 3, periodMs: 1000, burst: 1 } }));
    limiter.reserve(sender(), 36.5);
    const waitMs = limiter.reserve(sender(), 36.732)?.waitMs ?? 0;
    expect(limiter.reserve(sender(), 36.732 + waitMs)).toBeNull();
  });

  it('reaches the rate where every call waits for its turn', () => {
    const limiter = new LocalRateLimiter(limitsOf({ channel: { count: 80, periodMs: 1000, burst: 4 } }));
    let nowMs = 0;
    let granted = 0;
    while (nowMs < 10_000) {
      const refusal = limiter.reserve(sender(), nowMs);
      if (refusal === null) granted++;
      else nowMs += refusal.waitMs;
    }
    expect(granted).toBe(80 * 10 + 4 - 1);
  });

  it('names the widest limit in the way, and takes nothing from the others', () => {
    const once = { count: 1, periodMs: 1000, burst: 1 };
    const limiter = new LocalRateLimiter(limitsOf({ channel: once, workspace: once, recipient: once }));
    expect(limiter.reserve(sender(), 0)).toBeNull();
    expect(limiter.reserve(sender({ workspaceId: 'w-2', recipient: 'r-2' }), 0)).toEqual({
      scope: 'channel',
      waitMs: 1000,
    });
    expect(limiter.reserve(sender({ workspaceId: 'w-2', recipient: 'r-2' }), 1000)).toBeNull();
  });

  it('counts channels, workspaces and recipients each for themselves', () => {
    const once = { count: 1, periodMs: 1000, burst: 1 };
    const perRecipient = new LocalRateLimiter(limitsOf({ recipient: once }));
    const perWorkspace = new LocalRateLimiter(limitsOf({ workspace: once }));
    expect(perRecipient.reserve(sender(), 0)).toBeNull();
    expect(perRecipient.reserve(sender({ recipient: 'r-2' }), 0)).toBeNull();
    expect(perRecipient.reserve(sender({ workspaceId: 'w-2' }), 0)?.scope).toBe('recipient');
    expect(perWorkspace.reserve(sender(), 0)).toBeNull();
    expect(perWorkspace.reserve(sender({ workspaceId: 'w-2' }), 0)).toBeNull();
    expect(perWorkspace.reserve(sender({ recipient: 'r-2' }), 0)?.scope).toBe('workspace');
    expect(perWorkspace.reserve(sender({ channel: 'telegram' }), 0)).toBeNull();
  });

  it('grants everything where nothing is limited', () => {
    const limiter = new LocalRateLimiter(fixedLimits);
    expect(Array.from({ length: 1000 }, () => limiter.reserve(sender(), 0)).every((refusal) => refusal === null)).toBe(
      true,
    );
  });

  it('forgets keys that are as good as new', () => {
    const limiter = new LocalRateLimiter(limitsOf({ recipient: { count: 10, periodMs: 1000, burst: 2 } }));
    let most = 0;
    for (let i = 0; i < 50_000; i++) {
      limiter.reserve(sender({ recipient: `r-${i}` }), i);
      most = Math.max(most, keysHeld(limiter));
    }
    expect(most).toBeLessThanOrEqual(2 * 202);
  });
});

/** Counts entries of every map inside, since what must not grow is not visible from outside. */
function keysHeld(limiter: LocalRateLimiter): number {
  const { byChannel } = limiter as unknown as { byChannel: Map<keyof Limits, { gcra: Record<string, unknown> }[]> };
  const maps = [...byChannel.values()].flat().flatMap(({ gcra }) => Object.values(gcra));
  return maps.reduce<number>((sum, value) => sum + (value instanceof Map ? value.size : 0), 0);
}
