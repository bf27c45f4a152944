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

/**
 * A map of offsets below `base + MAX_SPAN` always fits the metadata: three quarters of base64 text are bytes, eight
 * bits each.
 */
export const MAX_SPAN = Math.floor(((MAX_METADATA_BYTES - ENVELOPE_BYTES) * 3) / 4) * 8;

/**
 * Writes commit metadata: JSON with a bitmap whose bit i stands for offset `base + i`, and a CRC-32 over all of it,
 * since
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

/** What a commit's metadata turns out to be. `reason` is safe to log: it never repeats the metadata. */
export type DecodedMetadata =
  /** Of this version, or none at all, which is nobody's. */
  | { readonly kind: 'ours'; readonly done: readonly number[]; readonly ownership: Ownership }
  /** Of a newer release. What is done cannot be read; null where whose the partition is cannot be read either. */
  | { readonly kind: 'newer'; readonly ownership: Ownership | null; readonly reason: string }
  /** Another program's, or damaged. */
  | { readonly kind: 'foreign'; readonly reason: string };

/**
 * Reads commit metadata back. A map that was written for another committed offset is refused: read against this one it
 * would name the wrong commands as done, and they would never be sent.
 */
export function decodeMetadata(metadata: string | null, committedOffset: number): DecodedMetadata {
  if (metadata === null || metadata === '') return { kind: 'ours', done: [], ownership: UNOWNED };
  const fields = parseObject(metadata);
  if (fields === null) return foreign('is not ours or damaged');
  const { v, base, owner, state, done, sum } = fields;
  if (isNewer(v)) return newer(owner, state);
  if (v !== VERSION) return foreign('is not ours or damaged');
  if (base !== committedOffset) return foreign('belongs to another offset');
  if (typeof done !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(done)) return foreign('is damaged');
  if (owner !== null && typeof owner !== 'string') return foreign('is damaged');
  if (!isState(state)) return foreign('is damaged');
  if (sum !== checksum(committedOffset, owner, state, done)) return foreign('is damaged');
  return { kind: 'ours', done: offsetsOf(Buffer.from(done, 'base64'), committedOffset), ownership: { owner, state } };
}

function isNewer(version: unknown): boolean {
  return typeof version === 'number' && Number.isInteger(version) && version > VERSION;
}

/** Every version keeps `owner` and `state`, their places and their meanings: see docs/adr/013-handover.md. */
function newer(owner: unknown, state: unknown): DecodedMetadata {
  const isReadable = typeof owner === 'string' && owner !== '' && isState(state);
  const reason = 'has a version this release does not know';
  return { kind: 'newer', ownership: isReadable ? { owner, state } : null, reason };
}

function foreign(reason: string): DecodedMetadata {
  return { kind: 'foreign', reason };
}

function isState(state: unknown): state is Ownership['state'] {
  return state === 'active' || state === 'released';
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
