import fc from 'fast-check';

/** Bytes as the corpus holds them: text stands for its UTF-8, and a long run of one character is shortened. */
export type Bytes = readonly (
  string | { readonly repeat: string; readonly times: number } | { readonly base64: string }
)[];

/** A change of some bytes. Its place is a fraction of their number. */
export interface ByteEdit {
  readonly op: 'flip' | 'cut' | 'insert' | 'drop' | 'repeat';
  readonly at: number;
  readonly bit: number;
  readonly inserted: Buffer;
}

/** Invalid and overlong UTF-8, half a surrogate pair, marks, and characters that end lines and texts. */
const HOSTILE_BYTES = [
  'ff',
  'c0af',
  'eda080',
  'f5808080',
  'e2',
  'efbbbf',
  '00',
  '0a',
  '0d0a',
  '22',
  '5c',
  '7b',
  'cc81',
];
/** Shorter runs are written out. */
const MIN_RUN = 40;

export function toBuffer(bytes: Bytes): Buffer {
  return Buffer.concat(
    bytes.map((part) => {
      if (typeof part === 'string') return Buffer.from(part);
      return 'base64' in part ? Buffer.from(part.base64, 'base64') : Buffer.from(part.repeat.repeat(part.times));
    }),
  );
}

/** The shortest way to write bytes into the corpus so that people can read them, if they are text. */
export function fromBuffer(buffer: Buffer): Bytes {
  const text = buffer.toString();
  if (!Buffer.from(text).equals(buffer)) return [{ base64: buffer.toString('base64') }];
  const parts: (string | { repeat: string; times: number })[] = [];
  let from = 0;
  for (const { 0: run, 1: unit = '', index } of text.matchAll(/(.)\1{39,}/gsu)) {
    if (run.length < MIN_RUN) continue;
    if (index > from) parts.push(text.slice(from, index));
    parts.push({ repeat: unit, times: run.length / unit.length });
    from = index + run.length;
  }
  if (from < text.length || parts.length === 0) parts.push(text.slice(from));
  return parts;
}

/** Mostly none, so that most cases of the structure-aware mutations arrive unchanged. */
export const byteEdits: fc.Arbitrary<readonly ByteEdit[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc.record({
        op: fc.constantFrom('flip', 'flip', 'cut', 'insert', 'drop', 'repeat'),
        at: fc.nat(9_999).map((part) => part / 10_000),
        bit: fc.nat(7),
        inserted: fc.constantFrom(...HOSTILE_BYTES).map((hex) => Buffer.from(hex, 'hex')),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  },
);

export function applyByteEdits(bytes: Buffer, edits: readonly ByteEdit[]): Buffer {
  return edits.reduce(applyByteEdit, bytes);
}

function applyByteEdit(bytes: Buffer, { op, at, bit, inserted }: ByteEdit): Buffer {
  const index = Math.floor(at * bytes.length);
  const [before, after] = [bytes.subarray(0, index), bytes.subarray(index)];
  switch (op) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
      return flipped.subarray(0, bytes.length);
    }
    case 'cut':
      return before;
    case 'insert':
      return Buffer.concat([before, inserted, after]);
    case 'drop':
      return Buffer.concat([before, after.subarray(1 + bit)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, 1 + bit), after]);
  }
}
