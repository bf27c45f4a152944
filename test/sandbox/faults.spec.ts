import { DEFAULT_BEHAVIOUR } from '../../sandbox/behaviour.ts';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { FaultChooser } from '../../sandbox/faults.ts';

const TARGET = { key: 'k-1', recipient: '49151', workspace: 'w-1', channel: 'whatsapp' };
const chooser = (behaviour: Partial<Behaviour>): FaultChooser =>
  new FaultChooser({ ...DEFAULT_BEHAVIOUR, ...behaviour });
const keys = (count: number): string[] => Array.from({ length: count }, (_, index) => `key-${index}`);

describe('FaultChooser', () => {
  it('chooses nothing by default', () => {
    expect(chooser({}).choose(TARGET)).toBeNull();
  });

  it.each([true, false])('meets the rates (calls with a key: %s)', (isKeyed) => {
    const faults = chooser({ faultRates: { status500: 0.1, hang: 0.2 } });
    const seen = keys(20_000).map((key) => faults.choose({ ...TARGET, key: isKeyed ? key : '' }));
    expect(seen.filter((fault) => fault === 'status500').length / 20_000).toBeCloseTo(0.1, 1);
    expect(seen.filter((fault) => fault === 'hang').length / 20_000).toBeCloseTo(0.2, 1);
    expect(seen.filter((fault) => fault === null).length / 20_000).toBeCloseTo(0.7, 1);
  });

  it('gives a key the same faults in any order of calls, and others with another seed', () => {
    const fates = (seed: number, order: string[]): Map<string, unknown> => {
      const faults = chooser({ seed, faultRates: { status500: 0.5 } });
      return new Map(order.map((key) => [key, faults.choose({ ...TARGET, key })]));
    };
    const forwards = fates(1, keys(100));
    expect(fates(1, keys(100).toReversed())).toEqual(forwards);
    expect(fates(2, keys(100))).not.toEqual(forwards);
  });

  it('decides again for the retry of a faulty call', () => {
    const faults = chooser({ faultRates: { status500: 0.5 } });
    const afterFault = keys(1000)
      .filter((key) => faults.choose({ ...TARGET, key }) !== null)
      .map((key) => faults.choose({ ...TARGET, key }));
    expect(afterFault.filter((fault) => fault === null).length / afterFault.length).toBeCloseTo(0.5, 0);
  });

  it('spares a key that has had its share of faults', () => {
    const faults = chooser({ faultRates: { status500: 1 }, faultsPerKey: 2 });
    expect([1, 2, 3, 4].map(() => faults.choose(TARGET))).toEqual(['status500', 'status500', null, null]);
    expect(faults.choose({ ...TARGET, key: 'k-2' })).toBe('status500');
  });

  it.each([
    ['key prefix', { keyPrefix: 'k-' }, { key: 'x' }],
    ['recipient', { recipient: '+49151' }, { recipient: '49152' }],
    ['workspace', { workspace: 'w-1' }, { workspace: 'w-2' }],
    ['channel', { channel: 'whatsapp' }, { channel: 'telegram' }],
  ])('aims by %s', (_name, match, other) => {
    const faults = chooser({ faultRules: [{ match, fault: 'hang' }] });
    expect(faults.choose(TARGET)).toBe('hang');
    expect(faults.choose({ ...TARGET, ...other })).toBeNull();
  });

  it('uses the first rule that is not used up, then the rates', () => {
    const faults = chooser({
      faultRates: { status503: 1 },
      faultRules: [
        { match: { keyPrefix: 'k' }, fault: 'hang', times: 1 },
        { match: { keyPrefix: 'k' }, fault: 'reject422', times: 1 },
      ],
    });
    expect([1, 2, 3].map(() => faults.choose(TARGET))).toEqual(['hang', 'reject422', 'status503']);
    faults.reset();
    expect(faults.choose(TARGET)).toBe('hang');
  });

  it('keeps its counters when other settings change', () => {
    const faultRules = [{ match: {}, fault: 'hang' as const, times: 1 }];
    const faults = chooser({ faultRules });
    faults.choose(TARGET);
    faults.configure({ ...DEFAULT_BEHAVIOUR, faultRules, latencyMs: 5 });
    expect(faults.choose(TARGET)).toBeNull();
    faults.configure({ ...DEFAULT_BEHAVIOUR, faultRules: [...faultRules] });
    expect(faults.choose(TARGET)).toBe('hang');
  });
});
