import fc from 'fast-check';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES, MAX_SPAN } from '../../src/offsets/commit-metadata';
import { type DoneMarks, MAX_RULES, marksBytes, WIDE_BYTES } from '../../src/offsets/done-marks';
import { BITMAP_SPAN, decodeCommit, encodeCommit, type Ownership } from '../../src/offsets/wide-metadata';

const base = fc.oneof(fc.nat(1e6), fc.integer({ min: 2 ** 52, max: Number.MAX_SAFE_INTEGER - 2 ** 40 }));
const distances = (max: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.nat(max), { maxLength: 300 }).map((list) => list.sort((a, b) => a - b));
const ownership: fc.Arbitrary<Ownership> = fc.record({
  owner: fc.constantFrom(null, 'a'.repeat(22), 'Zz-_0'),
  state: fc.constantFrom('active', 'released'),
});
const OWNER: Ownership = { owner: 'o'.repeat(22), state: 'active' };

/** Distances from the base, to be moved there. */
const marks: fc.Arbitrary<DoneMarks> = fc.oneof(
  distances(3_000_000)
    .map((list) => [...list, 3_000_000 + 1])
    .map((done): DoneMarks => ({ kind: 'done', done })),
  distances(3_000_000).map((open): DoneMarks => ({ kind: 'open', reach: 3_000_001, open })),
  fc
    .tuple(
      distances(3_000_000),
      fc.array(fc.record({ hash: fc.nat(2 ** 31), from: fc.nat(3_000_000) }), { maxLength: MAX_RULES }),
    )
    .map(([exceptions, rules]): DoneMarks => ({ kind: 'rules', reach: 3_000_001, rules, exceptions })),
);

function moved(by: number, from: DoneMarks): DoneMarks {
  const all = (list: readonly number[]): number[] => list.map((each) => each + by);
  switch (from.kind) {
    case 'done':
      return { ...from, done: all(from.done) };
    case 'open':
      return { ...from, reach: from.reach + by, open: all(from.open) };
    case 'rules': {
      const rules = from.rules.map(({ hash, from: at }) => ({ hash, from: at + by }));
      return { ...from, reach: from.reach + by, rules, exceptions: all(from.exceptions) };
    }
  }
}

describe('marks that fit the bitmap', () => {
  it('are written byte for byte as by the release before, which reads them, and are read from it', () => {
    expect(BITMAP_SPAN).toBe(MAX_SPAN);
    fc.assert(
      fc.property(base, distances(MAX_SPAN - 1), ownership, (from, list, whose) => {
        const done = list.map((distance) => from + distance);
        const before = encodeMetadata({ base: from, done, ...whose });
        expect(encodeCommit({ base: from, marks: { kind: 'done', done }, ...whose })).toBe(before);
        expect(decodeCommit(before, from)).toEqual({ ok: true, marks: { kind: 'done', done }, ownership: whose });
      }),
    );
  });
});

describe('wider marks', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(base, marks, ownership, (from, relative, whose) => {
        const wide = moved(from, relative);
        const metadata = encodeCommit({ base: from, marks: wide, ...whose });
        expect(decodeCommit(metadata, from)).toEqual({ ok: true, marks: wide, ownership: whose });
      }),
    );
  });

  it('tell the release before whose the partition is, and nothing to be done', () => {
    fc.assert(
      fc.property(base, marks, ownership, (from, relative, whose) => {
        const metadata = encodeCommit({ base: from, marks: moved(from, relative), ...whose });
        expect(decodeMetadata(metadata, from)).toEqual({ kind: 'ours', done: [], ownership: whose });
      }),
    );
  });

  it('take no more than was announced, and fit the metadata of a commit', () => {
    const from = Number.MAX_SAFE_INTEGER - 2 ** 40;
    for (const span of [30_000, 1_000_000, 2 ** 31]) {
      for (const [kind, bytes] of Object.entries(marksBytes)) {
        const size = (count: number): number =>
          kind === 'rules' ? marksBytes.rules(MAX_RULES, count, span) : bytes(count, span, 0);
        let count = 1;
        while (size(count + 1) <= WIDE_BYTES) count++;
        const list = Array.from({ length: count }, (_, i) => from + Math.floor(((i + 1) * (span - 1)) / count));
        const rules = Array.from({ length: MAX_RULES }, (_, i) => ({ hash: 2 ** 48 - 1 - i, from: from + span - 1 }));
        const wide: Record<string, DoneMarks> = {
          done: { kind: 'done', done: list },
          open: { kind: 'open', reach: from + span, open: list },
          rules: { kind: 'rules', reach: from + span, rules, exceptions: list },
        };
        const written = wide[kind];
        if (written === undefined) throw new Error(kind);
        const metadata = encodeCommit({ base: from, marks: written, owner: OWNER.owner, state: 'released' });
        expect(Buffer.byteLength(metadata)).toBeLessThanOrEqual(MAX_METADATA_BYTES);
        expect(decodeCommit(metadata, from)).toMatchObject({ ok: true, marks: written });
      }
    }
  });

  it('are refused for another offset, and where a character was changed; the owner is told where it is whole', () => {
    const wide: DoneMarks = { kind: 'open', reach: 60_100, open: [100, 250, 60_000] };
    const metadata = encodeCommit({ base: 100, marks: wide, ...OWNER });
    expect(decodeCommit(metadata, 101)).toMatchObject({ ok: false, reason: 'belongs to another offset' });
    for (let at = 0; at < metadata.length; at++) {
      const damaged = `${metadata.slice(0, at)}${metadata[at] === 'x' ? 'y' : 'x'}${metadata.slice(at + 1)}`;
      const decoded = decodeCommit(damaged, 100);
      // A field under another name is no field of ours: what is left is whole, and nothing counts as done.
      const marks = decoded.ok ? decoded.marks : { kind: 'done', done: [] };
      expect(marks).toEqual({ kind: 'done', done: [] });
      const isWhose = [OWNER, null].some((owner) => JSON.stringify(owner) === JSON.stringify(decoded.ownership));
      expect(isWhose).toBe(true);
    }
  });

  it('of a form that only a newer release knows are told apart, and the owner with them', () => {
    const metadata = encodeCommit({ base: 5, marks: { kind: 'open', reach: 40_000, open: [5] }, ...OWNER });
    const fields = JSON.parse(metadata) as Record<string, unknown>;
    expect(decodeCommit(JSON.stringify({ ...fields, wide: 'CQ==' }), 5)).toEqual({
      ok: false,
      reason: 'has damaged marks',
      ownership: OWNER,
    });
  });

  it('never throw, nor repeat what was written, whatever it was', () => {
    expect(decodeCommit(null, 5)).toMatchObject({ ok: true });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json(),
          fc.record({ v: fc.constant(1), base: fc.constant(5) }).map((o) => JSON.stringify(o)),
        ),
        (text) => {
          const decoded = decodeCommit(text, 5);
          const reason = decoded.ok ? '' : decoded.reason;
          expect(reason).not.toContain(text.length > 3 ? text : '\0');
        },
      ),
    );
  });
});
