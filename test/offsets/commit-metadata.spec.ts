import fc from 'fast-check';
import {
  decodeMetadata,
  encodeMetadata,
  MAX_METADATA_BYTES,
  MAX_SPAN,
  type Ownership,
} from '../../src/offsets/commit-metadata';

const base = fc.oneof(fc.nat(1e6), fc.integer({ min: 2 ** 52, max: Number.MAX_SAFE_INTEGER - MAX_SPAN }));
const distances = fc.uniqueArray(fc.nat(MAX_SPAN - 1), { maxLength: 300 }).map((list) => list.sort((a, b) => a - b));

const OWNER: Ownership = { owner: 'a'.repeat(22), state: 'released' };

describe('commit metadata', () => {
  it('comes back as it was written, whatever the base and the offsets', () => {
    fc.assert(
      fc.property(base, distances, (from, list) => {
        const done = list.map((distance) => from + distance);
        const metadata = encodeMetadata({ base: from, done, ...OWNER });
        expect(decodeMetadata(metadata, from)).toEqual({ kind: 'ours', done, ownership: OWNER });
      }),
    );
  });

  it('fits the metadata of a commit at its full span and the highest offset', () => {
    const from = Number.MAX_SAFE_INTEGER - MAX_SPAN;
    const done = Array.from({ length: MAX_SPAN }, (_, i) => from + i);
    expect(Buffer.byteLength(encodeMetadata({ base: from, done, ...OWNER }))).toBeLessThanOrEqual(MAX_METADATA_BYTES);
  });

  it('names the owner of a partition even if nothing is done; without metadata there is no owner', () => {
    const ownership: Ownership = { owner: 'b'.repeat(22), state: 'active' };
    const metadata = encodeMetadata({ base: 7, done: [], ...ownership });
    expect(decodeMetadata(metadata, 7)).toEqual({ kind: 'ours', done: [], ownership });
    const unowned = { kind: 'ours', done: [], ownership: { owner: null, state: 'released' } };
    expect([decodeMetadata('', 7), decodeMetadata(null, 7)]).toEqual([unowned, unowned]);
  });

  it('is refused for another committed offset', () => {
    const metadata = encodeMetadata({ base: 100, done: [103], ...OWNER });
    expect(decodeMetadata(metadata, 101)).toEqual({ kind: 'foreign', reason: 'belongs to another offset' });
  });

  it('is refused if it is foreign or damaged', () => {
    const metadata = encodeMetadata({ base: 100, done: [103, 180], ...OWNER });
    const damaged = [
      '{"v":0,"base":100,"owner":null,"state":"active","done":"AA=="}',
      '{"v":1.5,"base":100,"owner":null,"state":"active","done":"AA=="}',
      '{"v":"2","base":100,"owner":null,"state":"active","done":"AA=="}',
      '{"base":100,"owner":null,"state":"active","done":"AA=="}',
      '{"v":1,"base":"100","owner":null,"state":"active","done":"AA=="}',
      '{"v":1,"base":100,"owner":null,"state":"active","done":["AA=="]}',
      '{"v":1,"base":100,"owner":null,"state":"active","done":"A*=="}',
      '{"v":1,"base":100,"owner":7,"state":"active","done":""}',
      '{"v":1,"base":100,"owner":null,"state":"lent","done":""}',
      '{"v":1,"base":100}',
      '[1,100,"AA=="]',
      'null',
      '1',
      'somebody else wrote this',
      metadata.slice(0, -1),
    ];
    expect(damaged.map((text) => decodeMetadata(text, 100).kind)).toEqual(damaged.map(() => 'foreign'));
  });

  it('of a newer version still names the owner if that can be read, and never means that there is none', () => {
    const owner = 'b'.repeat(22);
    const newer = [
      `{"v":2,"base":100,"owner":"${owner}","state":"active","done":"AA==","sum":1}`,
      `{"v":7,"owner":"${owner}","state":"released","marks":[[100,3]]}`,
      '{"v":2,"base":100,"owner":null,"state":"released"}',
      '{"v":2,"base":100,"owner":"","state":"active"}',
      `{"v":2,"base":100,"owner":"${owner}","state":"lent"}`,
      '{"v":99}',
    ];
    expect(newer.map((text) => decodeMetadata(text, 100))).toEqual(
      [{ owner, state: 'active' }, { owner, state: 'released' }, null, null, null, null].map((ownership) => ({
        kind: 'newer',
        ownership,
        reason: 'has a version this release does not know',
      })),
    );
  });

  it('never throws, names no offset below the committed one, and gives reasons without repeating the text', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.record({ v: fc.constantFrom(1, 2, null), base: fc.constantFrom(5, 6, '5'), done: fc.anything() }).map(textOf),
      fc
        .record({
          v: fc.constant(1),
          base: fc.constant(5),
          owner: fc.constantFrom(null, 'x', 1),
          state: fc.constantFrom('active', 'released', ''),
          done: fc.base64String(),
        })
        .map(textOf),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        const decoded = decodeMetadata(text, 5);
        const isSound =
          decoded.kind === 'ours'
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
