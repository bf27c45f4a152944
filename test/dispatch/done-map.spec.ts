import fc from 'fast-check';
import { decodeDoneMap, encodeDoneMap, MAX_METADATA_BYTES, MAX_SPAN } from '../../src/dispatch/done-map';

const base = fc.oneof(fc.nat(1e6), fc.integer({ min: 2 ** 52, max: Number.MAX_SAFE_INTEGER - MAX_SPAN }));
const distances = fc.uniqueArray(fc.nat(MAX_SPAN - 1), { maxLength: 300 }).map((list) => list.sort((a, b) => a - b));

describe('the done map', () => {
  it('comes back as it was written, whatever the base and the offsets', () => {
    fc.assert(
      fc.property(base, distances, (from, list) => {
        const done = list.map((distance) => from + distance);
        expect(decodeDoneMap(encodeDoneMap({ base: from, done }), from)).toEqual({ ok: true, done });
      }),
    );
  });

  it('fits the metadata of a commit at its full span and the highest offset', () => {
    const from = Number.MAX_SAFE_INTEGER - MAX_SPAN;
    const done = Array.from({ length: MAX_SPAN }, (_, i) => from + i);
    expect(Buffer.byteLength(encodeDoneMap({ base: from, done }))).toBeLessThanOrEqual(MAX_METADATA_BYTES);
  });

  it('is empty metadata where nothing is done, and empty or absent metadata is an empty map', () => {
    expect(encodeDoneMap({ base: 7, done: [] })).toBe('');
    expect([decodeDoneMap('', 7), decodeDoneMap(null, 7)]).toEqual([
      { ok: true, done: [] },
      { ok: true, done: [] },
    ]);
  });

  it('is refused for another committed offset', () => {
    const metadata = encodeDoneMap({ base: 100, done: [103] });
    expect(decodeDoneMap(metadata, 101)).toEqual({ ok: false, reason: 'belongs to another offset' });
  });

  it('is refused where it is of a newer version, foreign or damaged', () => {
    const metadata = encodeDoneMap({ base: 100, done: [103, 180] });
    const damaged = [
      '{"v":2,"base":100,"done":"AA=="}',
      '{"base":100,"done":"AA=="}',
      '{"v":1,"base":"100","done":"AA=="}',
      '{"v":1,"base":100,"done":["AA=="]}',
      '{"v":1,"base":100,"done":"A*=="}',
      '{"v":1,"base":100}',
      '[1,100,"AA=="]',
      'null',
      '1',
      'somebody else wrote this',
      metadata.slice(0, -1),
    ];
    expect(damaged.map((text) => decodeDoneMap(text, 100).ok)).toEqual(damaged.map(() => false));
  });

  it('never throws, names no offset below the committed one, and tells reasons without repeating the text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.record({ v: fc.constantFrom(1, 2, null), base: fc.constantFrom(5, 6, '5'), done: fc.anything() }).map(textOf),
      fc.record({ v: fc.constant(1), base: fc.constant(5), done: fc.base64String() }).map(textOf),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const decoded = decodeDoneMap(text, 5);
        const isSound = decoded.ok
          ? decoded.done.every((offset) => offset >= 5)
          : /^(is|has|belongs) [a-z ]+$/.test(decoded.reason);
        expect(isSound).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
