import fc from 'fast-check';
import { decodeEliasFano, eliasFanoBytes, encodeEliasFano } from '../../src/offsets/elias-fano';

const ascending = (max: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.nat(max), { maxLength: 300 }).map((list) => list.sort((a, b) => a - b));
const anyList = fc.oneof(
  ascending(400),
  ascending(1_000_000),
  fc.uniqueArray(fc.maxSafeNat(), { maxLength: 50 }).map((list) => list.sort((a, b) => a - b)),
);

describe('Elias–Fano', () => {
  it('comes back as it was written, in no more bytes than were announced', () => {
    fc.assert(
      fc.property(anyList, fc.nat(1_000), (list, beyond) => {
        const bytes = encodeEliasFano(list);
        expect(decodeEliasFano(bytes, 0)).toEqual(list);
        const universe = (list.at(-1) ?? 0) + 1 + beyond;
        expect(bytes.length).toBeLessThanOrEqual(eliasFanoBytes(list.length, universe));
      }),
    );
  });

  it('takes no less for more numbers, or for a larger universe', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 5_000_000 }), (count, spare) => {
        const universe = count + spare + 1;
        expect(eliasFanoBytes(count, universe)).toBeLessThanOrEqual(eliasFanoBytes(count + 1, universe));
        expect(eliasFanoBytes(count, universe)).toBeLessThanOrEqual(eliasFanoBytes(count, universe + 1));
      }),
    );
  });

  it('has room for 1,900 offsets anywhere in a million', () => {
    expect(eliasFanoBytes(1_900, 1_000_000)).toBeLessThanOrEqual(2_925);
  });

  it('refuses what it did not write, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const read = decodeEliasFano(Buffer.from(bytes), 0);
        expect(read).toEqual(read && [...new Set(read)].sort((a, b) => a - b));
      }),
      { numRuns: 2_000 },
    );
  });
});
