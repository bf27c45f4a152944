import fc from 'fast-check';
import { decodeMetadata, encodeMetadata, MAX_METADATA_BYTES, MAX_SPAN } from '../../src/offsets/commit-metadata';
import { applyByteEdits, byteEdits, fromBuffer, toBuffer, type Bytes } from './bytes';
import { fuzz, type Checked } from './fuzz';
import { inTime } from './in-time';

/** What a member committed, how it was changed, and the offset at which the reader takes over the partition. */
interface Fuzzed {
  readonly base: number;
  readonly done: readonly number[];
  readonly owner: string | null;
  readonly state: 'active' | 'released';
  /** The bytes that are read, instead of those that were written. */
  readonly metadata: Buffer;
  readonly committed: number;
}

type Entry = Omit<Fuzzed, 'metadata'> & { readonly metadata: Bytes };

const bases = fc.oneof(
  fc.constantFrom(0, 1, 7, 8, 1_042),
  fc.nat(1_000_000),
  fc.integer({ min: 2 ** 31, max: 2 ** 40 }),
);
const distances = fc.oneof(
  { weight: 20, arbitrary: fc.uniqueArray(fc.nat(200), { maxLength: 40 }) },
  { weight: 2, arbitrary: fc.uniqueArray(fc.nat(MAX_SPAN - 1), { maxLength: 60 }) },
);

/** Metadata that others write: Parallel Consumer's run lengths, Flink's, Spring's, notes of operators. */
const FOREIGN = [
  '',
  'null',
  '[]',
  '{}',
  '1042',
  '"AA=="',
  'bAAAAAAAAAAAAAAA',
  'oAAJsAAAAAAAD6A==',
  'NAAAAA==',
  'flink-kafka-consumer',
  '{"consumer":"c-1","ts":1795348800000}',
  '{"v":1,"base":null,"done":null}',
  '{"__proto__":{"v":1,"base":1,"owner":null,"state":"released","done":"//8="}}',
  '{"v":2,"base":1,"owner":null,"state":"released","done":"//8="}',
  '{"v":2,"owner":"aaaaaaaaaaaaaaaaaaaaaa","state":"active","marks":[[1,8]]}',
  '{"v":3,"owner":"aaaaaaaaaaaaaaaaaaaaaa","state":"released"}',
];

type Change = (written: string, base: number) => string;

const fields = fc.constantFrom('v', 'base', 'owner', 'state', 'done');
const values = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    2,
    '1',
    null,
    true,
    [],
    {},
    '',
    'active',
    'released',
    '//8=',
    'A',
    'AA',
    '====',
    '*',
    -1,
    1e300,
  ),
  fc.base64String({ maxLength: 40 }),
  fc.json().map((text): unknown => JSON.parse(text)),
);
const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Change>((written) => written) },
  {
    weight: 4,
    arbitrary: fc.tuple(fields, values).map(
      ([name, value]): Change =>
        (written) =>
          JSON.stringify({ ...JSON.parse(written), [name]: value }),
    ),
  },
  {
    weight: 2,
    arbitrary: fields.map(
      (name): Change =>
        (written) =>
          JSON.stringify({ ...JSON.parse(written), [name]: undefined }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: -9, max: 9 }).map(
      (by): Change =>
        (written, base) =>
          JSON.stringify({ ...JSON.parse(written), base: base + by }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fields, values).map(
      ([name, value]): Change =>
        (written) =>
          `${written.slice(0, -1)},"${name}":${JSON.stringify(value)}}`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...FOREIGN).map(
      (text): Change =>
        () =>
          text,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(4_096), fc.constantFrom('A', '/', '+', '=', ' ', '"', '\\', '0', 'é')).map(
      ([at, unit]): Change =>
        (written) =>
          written.slice(0, at % written.length) + unit + written.slice((at % written.length) + 1),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat(4_096).map(
      (at): Change =>
        (written) =>
          written.slice(0, at % written.length),
    ),
  },
);

const cases: fc.Arbitrary<Fuzzed> = fc
  .record({
    base: bases,
    distances,
    owner: fc.option(fc.constantFrom('a'.repeat(22), 'x', '__proto__'), { freq: 4 }),
    state: fc.constantFrom('active', 'released'),
    change: changes,
    bytes: byteEdits,
    committedBy: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: -16, max: 16 }) },
    ),
  })
  .map(({ base, distances: list, owner, state, change, bytes, committedBy }) => {
    const done = list.map((distance) => base + distance).sort((a, b) => a - b);
    const written = change(encodeMetadata({ base, done, owner, state }), base);
    const metadata = applyByteEdits(Buffer.from(written), bytes);
    return { base, done, owner, state, metadata, committed: Math.max(0, base + committedBy) };
  });

fuzz<Fuzzed, Entry>({
  name: 'commit-metadata',
  cases,
  check: checkDecoding,
  toEntry: (fuzzed) => ({ ...fuzzed, metadata: fromBuffer(fuzzed.metadata) }),
  fromEntry: (entry) => ({ ...entry, metadata: toBuffer(entry.metadata) }),
  mustSee: ['read', 'empty', 'ignored', 'newer', 'newer, owner unknown'],
});

function checkDecoding({ base, done, owner, state, metadata, committed }: Fuzzed): Checked {
  const text = metadata.toString();
  const written = encodeMetadata({ base, done, owner, state });
  if (Buffer.byteLength(written) > MAX_METADATA_BYTES) throw new Error('what was written does not fit');
  const { decoded, tookMs } = decodeInTime(text, committed);
  if (decoded.kind !== 'ours') {
    if (text === written && committed === base) throw new Error(`what was written is ignored: ${decoded.reason}`);
    if (!/^(is|has|belongs) [a-z ]+$/.test(decoded.reason)) throw new Error('the reason repeats the metadata');
    const expected = newerOwnership(text);
    if ((expected !== undefined) !== (decoded.kind === 'newer')) throw new Error('it is taken for another version');
    if (decoded.kind === 'foreign') return { kind: 'ignored', tookMs };
    if (JSON.stringify(decoded.ownership) !== JSON.stringify(expected))
      throw new Error('a newer release’s partition is read as somebody else’s');
    return { kind: decoded.ownership === null ? 'newer, owner unknown' : 'newer', tookMs };
  }
  if (newerOwnership(text) !== undefined) throw new Error('what a newer release has done is read as if it were ours');
  const encoded = new Set(committed === base ? done : []);
  const invented = decoded.done.filter((offset) => !encoded.has(offset));
  if (invented.length > 0)
    throw new Error(`offsets ${invented.slice(0, 5).join(', ')} count as done, and would never be sent`);
  if (text === '') return { kind: 'empty', tookMs };
  if (text === written && decoded.done.length !== done.length) throw new Error('offsets that are done are forgotten');
  const { ownership } = decoded;
  if (ownership.owner !== owner || ownership.state !== state)
    throw new Error('the partition is read as somebody else’s');
  return { kind: 'read', tookMs };
}

/** The owner that metadata of a newer release names. Null if it names none; undefined for all other metadata. */
function newerOwnership(text: string): object | null | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  const isRecord = typeof fields === 'object' && fields !== null && !Array.isArray(fields);
  const { v, owner, state } = isRecord ? (fields as Record<string, unknown>) : {};
  if (!Number.isInteger(v) || Number(v) < 2) return undefined;
  const isReadable = typeof owner === 'string' && owner.length > 0 && ['active', 'released'].includes(String(state));
  return isReadable && typeof state === 'string' ? { owner, state } : null;
}

function decodeInTime(text: string, committed: number): { decoded: ReturnType<typeof decodeMetadata>; tookMs: number } {
  const { given, tookMs } = inTime(`reading ${text.length} characters`, text.length, () =>
    decodeMetadata(text, committed),
  );
  return { decoded: given, tookMs };
}
