import { decodeEliasFano, eliasFanoBytes, encodeEliasFano, pushVarint, readVarint, varintBytes } from './elias-fano';
import { HASH_BYTES } from './scope-hash';

/** Records that are not done because of what they are: all of one workspace or key, from one offset on. */
export interface Rule {
  /** See `scopeHash`. */
  readonly hash: number;
  readonly from: number;
}

/**
 * Which offsets at or beyond a commit's are done.
 *
 * - `done`: these are, all others are not.
 * - `open`: these are not, all others below `reach` are.
 * - `rules`: of those below `reach`, a record that a rule covers is not done, any other is; but for `exceptions`, which
 *   are the
 *   other way round. It takes the records themselves to read it.
 */
export type DoneMarks =
  | { readonly kind: 'done'; readonly done: readonly number[] }
  | { readonly kind: 'open'; readonly reach: number; readonly open: readonly number[] }
  | {
      readonly kind: 'rules';
      readonly reach: number;
      readonly rules: readonly Rule[];
      readonly exceptions: readonly number[];
    };

/** What an offset of one form is in the bytes. A form that is changed gets another number. */
const FORM = { done: 1, open: 2, rules: 3 } as const;

/** Bytes of marks beyond the bitmap that a commit's metadata has room for, as base64 beside its other fields. */
export const WIDE_BYTES = 2_925;

/** Most rules in one commit. */
export const MAX_RULES = 32;

/** How much marks take up at most, by form: rises with each of the numbers. */
export const marksBytes = {
  done: (count: number, span: number): number => 1 + eliasFanoBytes(count, span),
  open: (count: number, span: number): number => 1 + varintBytes(span) + eliasFanoBytes(count, span),
  rules: (rules: number, count: number, span: number): number =>
    1 + varintBytes(span) + 1 + rules * (HASH_BYTES + varintBytes(span)) + eliasFanoBytes(count, span),
} as const;

export function encodeMarks(base: number, marks: DoneMarks): Buffer {
  const relative = (offset: number): number => offset - base;
  const head: number[] = [FORM[marks.kind]];
  switch (marks.kind) {
    case 'done':
      return Buffer.concat([Buffer.from(head), encodeEliasFano(marks.done.map(relative))]);
    case 'open':
      pushVarint(head, marks.reach - base);
      return Buffer.concat([Buffer.from(head), encodeEliasFano(marks.open.map(relative))]);
    case 'rules': {
      pushVarint(head, marks.reach - base);
      head.push(marks.rules.length);
      for (const { hash, from } of marks.rules) {
        for (let i = 0; i < HASH_BYTES; i++) head.push(Math.floor(hash / 256 ** i) % 256);
        pushVarint(head, Math.max(0, from - base));
      }
      return Buffer.concat([Buffer.from(head), encodeEliasFano(marks.exceptions.map(relative))]);
    }
  }
}

/** The marks in `bytes`; null where they are of no form that this release knows, or damaged. */
export function decodeMarks(base: number, bytes: Buffer): DoneMarks | null {
  const absolute = (numbers: number[] | null): number[] | null =>
    numbers?.every((number) => base + number <= Number.MAX_SAFE_INTEGER) === true
      ? numbers.map((number) => base + number)
      : null;
  if (bytes[0] === FORM.done) {
    const done = absolute(decodeEliasFano(bytes, 1));
    return done && { kind: 'done', done };
  }
  const span = readVarint(bytes, 1);
  if (span === null) return null;
  const reach = base + span.value;
  if (bytes[0] === FORM.open) {
    const open = absolute(decodeEliasFano(bytes, span.end));
    return open && { kind: 'open', reach, open };
  }
  if (bytes[0] !== FORM.rules) return null;
  const rules: Rule[] = [];
  let at = span.end + 1;
  for (let i = bytes[span.end] ?? 0; i > 0; i--) {
    const from = readVarint(bytes, at + HASH_BYTES);
    if (from === null) return null;
    rules.push({ hash: bytes.readUIntLE(at, HASH_BYTES), from: base + from.value });
    at = from.end;
  }
  const exceptions = absolute(decodeEliasFano(bytes, at));
  return exceptions && { kind: 'rules', reach, rules, exceptions };
}
