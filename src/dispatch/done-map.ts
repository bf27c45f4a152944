/** Kafka's limit for the metadata of one committed offset (`offset.metadata.max.bytes`). */
export const MAX_METADATA_BYTES = 4096;

/** What a commit's metadata tells whoever owns the partition next: offsets at or beyond `base` that are done already. */
export interface DoneMap {
  /** The committed offset that the map belongs to. */
  readonly base: number;
  /** Ascending offsets, each ≥ base. */
  readonly done: readonly number[];
}

const VERSION = 1;
/** Metadata bytes kept free for the JSON around the map. */
const ENVELOPE_BYTES = 296;

/** A map of offsets below `base + MAX_SPAN` always fits the metadata: three quarters of base64 text are bytes, eight bits each. */
export const MAX_SPAN = Math.floor(((MAX_METADATA_BYTES - ENVELOPE_BYTES) * 3) / 4) * 8;

/**
 * Writes a done map as commit metadata: JSON with a bitmap whose bit i stands for offset `base + i`.
 * Every offset must be in [base, base + MAX_SPAN).
 */
export function encodeDoneMap({ base, done }: DoneMap): string {
  const last = done.at(-1);
  if (last === undefined) return '';
  const bits = Buffer.alloc(((last - base) >> 3) + 1);
  for (const offset of done) {
    const index = offset - base;
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return JSON.stringify({ v: VERSION, base, done: bits.toString('base64') });
}

export type DecodedDoneMap =
  | { readonly ok: true; readonly done: readonly number[] }
  /** `reason` is safe to log: it never repeats the metadata. */
  | { readonly ok: false; readonly reason: string };

/**
 * Reads commit metadata back. A map that was written for another committed offset is refused: read against this one it
 * would name the wrong commands as done, and they would never be sent.
 */
export function decodeDoneMap(metadata: string | null, committedOffset: number): DecodedDoneMap {
  if (metadata === null || metadata === '') return { ok: true, done: [] };
  const fields = parseObject(metadata);
  if (fields === null) return { ok: false, reason: 'is not ours or damaged' };
  const { v, base, done } = fields;
  if (v !== VERSION) return { ok: false, reason: 'has a version this release does not know' };
  if (base !== committedOffset) return { ok: false, reason: 'belongs to another offset' };
  if (typeof done !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(done)) return { ok: false, reason: 'is damaged' };
  return { ok: true, done: offsetsOf(Buffer.from(done, 'base64'), committedOffset) };
}

function parseObject(text: string): Record<'v' | 'base' | 'done', unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { v: undefined, base: undefined, done: undefined, ...value }
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
