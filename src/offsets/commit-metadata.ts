import { crc32 } from 'node:zlib';

/** Kafka's limit for the metadata of one committed offset (`offset.metadata.max.bytes`). */
export const MAX_METADATA_BYTES = 4096;

/** Offsets at or beyond `base` that are done already. */
export interface DoneMap {
  /** The committed offset that the map belongs to. */
  readonly base: number;
  /** Ascending offsets, each ≥ base. */
  readonly done: readonly number[];
}

/** Whose the partition is: `active` while that member may have calls of it on the wire, `released` once it has none. */
export interface Ownership {
  /** The member's tag, see `memberTag`; null where nobody ever claimed the partition. */
  readonly owner: string | null;
  readonly state: 'active' | 'released';
}

/** What a commit's metadata tells whoever gets the partition next. */
export type CommitMetadata = DoneMap & Ownership;

const VERSION = 1;
/** Metadata bytes kept free for the JSON around the map. */
const ENVELOPE_BYTES = 296;
const UNOWNED: Ownership = { owner: null, state: 'released' };

/** A map of offsets below `base + MAX_SPAN` always fits the metadata: three quarters of base64 text are bytes, eight bits each. */
export const MAX_SPAN = Math.floor(((MAX_METADATA_BYTES - ENVELOPE_BYTES) * 3) / 4) * 8;

/**
 * Writes commit metadata: JSON with a bitmap whose bit i stands for offset `base + i`, and a CRC-32 over all of it, since
 * one flipped bit would name another command as done, and that one would never be sent.
 * Every offset must be in [base, base + MAX_SPAN).
 */
export function encodeMetadata({ base, done, owner, state }: CommitMetadata): string {
  const last = done.at(-1);
  const bits = Buffer.alloc(last === undefined ? 0 : ((last - base) >> 3) + 1);
  for (const offset of done) {
    const index = offset - base;
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  const map = bits.toString('base64');
  return JSON.stringify({ v: VERSION, base, owner, state, done: map, sum: checksum(base, owner, state, map) });
}

export type DecodedMetadata =
  | {
      readonly ok: true;
      readonly done: readonly number[];
      readonly ownership: Ownership;
    }
  /** `reason` is safe to log: it never repeats the metadata. */
  | { readonly ok: false; readonly reason: string };

/**
 * Reads commit metadata back. A map that was written for another committed offset is refused: read against this one it
 * would name the wrong commands as done, and they would never be sent.
 */
export function decodeMetadata(metadata: string | null, committedOffset: number): DecodedMetadata {
  if (metadata === null || metadata === '') return { ok: true, done: [], ownership: UNOWNED };
  const fields = parseObject(metadata);
  if (fields === null) return { ok: false, reason: 'is not ours or damaged' };
  const { v, base, owner, state, done, sum } = fields;
  if (v !== VERSION) return { ok: false, reason: 'has a version this release does not know' };
  if (base !== committedOffset) return { ok: false, reason: 'belongs to another offset' };
  if (typeof done !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(done)) return { ok: false, reason: 'is damaged' };
  if (owner !== null && typeof owner !== 'string') return { ok: false, reason: 'is damaged' };
  if (state !== 'active' && state !== 'released') return { ok: false, reason: 'is damaged' };
  if (sum !== checksum(committedOffset, owner, state, done)) return { ok: false, reason: 'is damaged' };
  return {
    ok: true,
    done: offsetsOf(Buffer.from(done, 'base64'), committedOffset),
    ownership: { owner, state },
  };
}

function checksum(base: number, owner: string | null, state: string, done: string): number {
  return crc32(JSON.stringify([VERSION, base, owner, state, done]));
}

function parseObject(text: string): Record<'v' | 'base' | 'owner' | 'state' | 'done' | 'sum', unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? {
          v: undefined,
          base: undefined,
          owner: undefined,
          state: undefined,
          done: undefined,
          sum: undefined,
          ...value,
        }
      : null;
  } catch {
    return null;
  }
}

function offsetsOf(bits: Buffer, base: number): number[] {
  const offsets: number[] = [];
  bits.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) offsets.push(base + index * 8 + bit);
  });
  return offsets;
}
