import { crc32 } from 'node:zlib';
import { decodeMarks, type DoneMarks, encodeMarks } from './done-marks';

/** Offsets from the base on that the bitmap may name: as many as always fit beside the other fields. */
export const BITMAP_SPAN = 22_800;

/** Whose the partition is: `active` while that member may have calls of it on the wire, `released` once it has none. */
export interface Ownership {
  /** The member's tag; null where nobody ever claimed the partition. */
  readonly owner: string | null;
  readonly state: 'active' | 'released';
}

export interface MarkedCommit extends Ownership {
  /** The committed offset: nothing below it is open. */
  readonly base: number;
  readonly marks: DoneMarks;
}

export type DecodedCommit =
  | { readonly ok: true; readonly marks: DoneMarks; readonly ownership: Ownership }
  /**
   * `reason` is safe to log: it never repeats the metadata. The owner is known where that part of the metadata is
   * whole, as
   * it is where a newer release has written its marks in a form that this one does not know.
   */
  | { readonly ok: false; readonly reason: string; readonly ownership: Ownership | null };

const VERSION = 1;
const UNOWNED: Ownership = { owner: null, state: 'released' };
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Writes a commit's metadata. Marks that fit the bitmap of version 1 are written as it, byte for byte, so that the
 * releases before
 * read them too. Others are a further field beside an empty bitmap, with a checksum of its own over everything: the
 * releases
 * before pass over that field. They learn whose the partition is, and take nothing for done.
 */
export function encodeCommit({ base, marks, owner, state }: MarkedCommit): string {
  const bitmap = marks.kind === 'done' ? bitmapOf(base, marks.done) : null;
  const done = bitmap?.toString('base64') ?? '';
  const narrow = { v: VERSION, base, owner, state, done, sum: checksum([VERSION, base, owner, state, done]) };
  if (bitmap !== null) return JSON.stringify(narrow);
  const wide = encodeMarks(base, marks).toString('base64');
  return JSON.stringify({ ...narrow, wide, wideSum: checksum([VERSION, base, owner, state, done, wide]) });
}

/**
 * Reads a commit's metadata back. What was written for another committed offset is refused: read against this one it
 * would name
 * the wrong commands as done, and they would never be sent.
 */
export function decodeCommit(metadata: string | null, committedOffset: number): DecodedCommit {
  if (metadata === null || metadata === '') return { ok: true, marks: { kind: 'done', done: [] }, ownership: UNOWNED };
  const fields = parseObject(metadata);
  if (fields === null) return refused('is not ours or damaged');
  const { v, base, owner, state, done, sum, wide, wideSum } = fields;
  if (v !== VERSION) return refused('has a version this release does not know');
  if (base !== committedOffset) return refused('belongs to another offset');
  if (typeof done !== 'string' || !BASE64.test(done)) return refused('is damaged');
  if (owner !== null && typeof owner !== 'string') return refused('is damaged');
  if (state !== 'active' && state !== 'released') return refused('is damaged');
  if (sum !== checksum([VERSION, base, owner, state, done])) return refused('is damaged');
  const ownership: Ownership = { owner, state };
  if (wide === undefined) {
    return { ok: true, marks: { kind: 'done', done: offsetsOf(Buffer.from(done, 'base64'), base) }, ownership };
  }
  if (typeof wide !== 'string' || wideSum !== checksum([VERSION, base, owner, state, done, wide])) {
    return { ok: false, reason: 'has damaged marks', ownership };
  }
  const marks = decodeMarks(base, Buffer.from(wide, 'base64'));
  if (marks === null) return { ok: false, reason: 'has marks of a form this release does not know', ownership };
  return { ok: true, marks, ownership };
}

function refused(reason: string): DecodedCommit {
  return { ok: false, reason, ownership: null };
}

function checksum(fields: readonly (string | number | null)[]): number {
  return crc32(JSON.stringify(fields));
}

/** Bit i stands for offset `base + i`; null where an offset is too far away. */
function bitmapOf(base: number, done: readonly number[]): Buffer | null {
  const last = done.at(-1);
  if (last === undefined) return Buffer.alloc(0);
  if (last - base >= BITMAP_SPAN) return null;
  const bits = Buffer.alloc(((last - base) >> 3) + 1);
  for (const offset of done) {
    const index = offset - base;
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return bits;
}

function offsetsOf(bits: Buffer, base: number): number[] {
  const offsets: number[] = [];
  bits.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) offsets.push(base + index * 8 + bit);
  });
  return offsets;
}

type Field = 'v' | 'base' | 'owner' | 'state' | 'done' | 'sum' | 'wide' | 'wideSum';

const NO_FIELDS: Readonly<Record<Field, unknown>> = {
  v: undefined,
  base: undefined,
  owner: undefined,
  state: undefined,
  done: undefined,
  sum: undefined,
  wide: undefined,
  wideSum: undefined,
};

function parseObject(text: string): Record<Field, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...NO_FIELDS, ...value } : null;
  } catch {
    return null;
  }
}
