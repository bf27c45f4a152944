import { DEFAULT_BEHAVIOUR, SETTINGS, faultsOf } from '../../sandbox/behaviour.ts';
import { readEnvironment } from '../../sandbox/environment.ts';

describe('faultsOf', () => {
  it('finds no fault in the defaults, which include all settings', () => {
    expect(faultsOf(DEFAULT_BEHAVIOUR)).toEqual([]);
    expect(Object.keys(DEFAULT_BEHAVIOUR)).toEqual(SETTINGS);
  });

  it.each([
    { rateLimits: { perChannel: { count: 20, windowMs: 60_000 }, perRecipient: { ratePerSecond: 0.5, burst: 2 } } },
    { retryAfter: 3600 },
    { retryAfter: 'date' },
    { faultRates: { status500: 0.3, wrongId: 0.7 } },
    { faultRules: [{ match: { keyPrefix: 'a' }, fault: 'hang', times: 0 }] },
    { outage: { mode: 'refuse', forMs: 500 } },
    {},
  ])('takes %j', (patch) => {
    expect(faultsOf(patch)).toEqual([]);
  });

  it.each([
    [[], 'must be a JSON object'],
    [{ latency: 5 }, 'latency is no setting'],
    [{ latencyMs: -1 }, 'latencyMs'],
    [{ latencyMs: '5' }, 'latencyMs'],
    [{ seed: 1.5 }, 'seed'],
    [{ apiKeys: 'k' }, 'apiKeys'],
    [{ apiKeys: ['a\nb'] }, 'apiKeys'],
    [{ rateLimits: { perChannel: { count: 1 } } }, 'rateLimits'],
    [{ rateLimits: { perChannel: { count: 1, windowMs: 1, ratePerSecond: 1 } } }, 'rateLimits'],
    [{ rateLimits: { perChannel: { ratePerSecond: 0 } } }, 'rateLimits'],
    [{ rateLimits: { perMoon: { ratePerSecond: 1 } } }, 'rateLimits'],
    [{ retryAfter: 'later' }, 'retryAfter'],
    [{ faultRates: { status418: 0.1 } }, 'faultRates'],
    [{ faultRates: { status500: 0.6, status503: 0.6 } }, 'faultRates'],
    [{ faultRules: [{ match: {}, fault: 'toString' }] }, 'faultRules'],
    [{ faultRules: [{ fault: 'hang' }] }, 'faultRules'],
    [{ redirectLocation: 'http://x\r\nSet-Cookie: a' }, 'redirectLocation'],
    [{ outage: { mode: 'nap' } }, 'outage'],
    [{ outage: { forMs: 5 } }, 'outage'],
  ])('refuses %j and names the setting', (patch, named) => {
    expect(faultsOf(patch)).toEqual([expect.stringContaining(named)]);
  });
});

describe('readEnvironment', () => {
  it('has defaults for everything', () => {
    expect(readEnvironment({})).toEqual({ host: '127.0.0.1', port: 8080, behaviour: DEFAULT_BEHAVIOUR });
  });

  it('reads numbers, words and JSON', () => {
    const env = {
      SANDBOX_HOST: '0.0.0.0',
      SANDBOX_PORT: '0',
      SANDBOX_API_KEY: '12345',
      SANDBOX_LATENCY_MS: '50',
      SANDBOX_RETRY_AFTER: 'date',
      SANDBOX_RECORD_CALLS: 'true',
      SANDBOX_OUTAGE: '{"mode":"503"}',
      SANDBOX_FAULT_RATES: '{"hang":0.5}',
    };
    expect(readEnvironment(env)).toEqual({
      host: '0.0.0.0',
      port: 0,
      behaviour: {
        ...DEFAULT_BEHAVIOUR,
        apiKeys: ['12345'],
        latencyMs: 50,
        retryAfter: 'date',
        recordCalls: true,
        outage: { mode: '503' },
        faultRates: { hang: 0.5 },
      },
    });
  });

  it('names every malformed variable and no value', () => {
    const env = { SANDBOX_PORT: 'secret1', SANDBOX_LATENCY_MS: 'secret2', SANDBOX_API_KEY: 'secret 3' };
    const faults = readEnvironment(env);
    expect(faults).toEqual(
      ['SANDBOX_PORT', 'SANDBOX_LATENCY_MS', 'SANDBOX_API_KEY'].map((name) => expect.stringContaining(name)),
    );
    expect(JSON.stringify(faults)).not.toContain('secret');
  });
});
