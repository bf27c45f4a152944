import { inTime } from './in-time';

const text = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ id: `c-${n}`, text: 'a text' })));

function parsed(times: number): number {
  let items = 0;
  for (let n = 0; n < times; n++) items += (JSON.parse(text) as unknown[]).length;
  return items;
}

describe('inTime', () => {
  it('returns the result of the work, and its cost', () => {
    const { given, tookMs } = inTime('parsing', text.length, () => parsed(1));
    expect(given).toBe(20_000);
    expect(tookMs).toBeGreaterThan(0);
  });

  it('throws if the work takes far too long for its bytes, on a machine of any speed', () => {
    expect(() => inTime('a short text', 10, () => parsed(30), true)).toThrow(/^a short text took [\d.]+ ms, 4 times$/);
  });
});
