import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { lz4UnpackedSize } from './lz4-frames';
import { splitZstdFrames } from './zstd-frames';

/** What became of compressed bytes. `why` completes "it cannot be read: …". */
export type Unpacked =
  | { readonly kind: 'unpacked'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown-codec' };

/** Never makes more than `limit` bytes. */
type Unpack = (packed: Buffer, limit: number) => Promise<Unpacked>;

/** Loaded when the first batch needs it: together they take 6 MiB, which most services never need. */
const snappy = () => import('snappy');
const lz4 = () => import('lz4-napi');

/** What snappy-java, and with it every JVM producer, puts before its own framing of snappy blocks. */
const XERIAL_MAGIC = Buffer.from([130, 83, 78, 65, 80, 80, 89, 0]);
const XERIAL_HEADER_BYTES = 16;
/** Zlib collects what it unpacks in pieces of this size; more of them at once where much is expected. */
const CHUNK_BYTES = 64 * 1024;

const inflate = promisify(gunzip);
const inflateZstd = promisify(zstdDecompress);
const TOO_LARGE: Unpacked = { kind: 'too-large' };
const DAMAGED: Unpacked = { kind: 'damaged' };

/** By the codec's number in a batch's attributes. */
const UNPACKERS: ReadonlyMap<number, Unpack> = new Map([
  [0, (packed, limit) => Promise.resolve(packed.length > limit ? TOO_LARGE : unpacked(packed))],
  [1, async (packed, limit) => unpacked(await inflate(packed, { maxOutputLength: limit, chunkSize: CHUNK_BYTES }))],
  [2, unpackSnappy],
  [3, unpackLz4],
  [4, unpackZstd],
]);

/**
 * Unpacks the records of a batch, and never more than `limit` bytes of them. Never throws.
 *
 * @param codec as in a batch's attributes: none, gzip, snappy, lz4, zstd
 */
export async function unpack(codec: number, packed: Buffer, limit: number): Promise<Unpacked> {
  const unpacker = UNPACKERS.get(codec);
  if (unpacker === undefined) return { kind: 'unknown-codec' };
  try {
    return await unpacker(packed, limit);
  } catch (error) {
    return (error as { code?: unknown } | null)?.code === 'ERR_BUFFER_TOO_LARGE' ? TOO_LARGE : DAMAGED;
  }
}

function unpacked(bytes: Buffer): Unpacked {
  return { kind: 'unpacked', bytes };
}

async function unpackZstd(packed: Buffer, limit: number): Promise<Unpacked> {
  const frames = splitZstdFrames(packed);
  if (frames === null) return DAMAGED;
  const parts: Buffer[] = [];
  let left = limit;
  for (const frame of frames) {
    // Node takes no limit of 0; and a frame of nothing is legal behind a full batch.
    const part = await inflateZstd(frame, { maxOutputLength: Math.max(1, left), chunkSize: CHUNK_BYTES });
    left -= part.length;
    if (left < 0) return TOO_LARGE;
    parts.push(part);
  }
  return unpacked(joined(parts));
}

async function unpackLz4(packed: Buffer, limit: number): Promise<Unpacked> {
  const size = lz4UnpackedSize(packed, limit);
  if (size === null) return DAMAGED;
  if (size > limit) return TOO_LARGE;
  return unpacked(await (await lz4()).decompressFrame(packed));
}

async function unpackSnappy(packed: Buffer, limit: number): Promise<Unpacked> {
  const blocks = snappyBlocks(packed);
  const size = blocks?.reduce((sum, block) => sum + snappySize(block), 0) ?? NaN;
  if (blocks === null || !Number.isSafeInteger(size)) return DAMAGED;
  if (size > limit) return TOO_LARGE;
  const { uncompress } = await snappy();
  const parts: Buffer[] = [];
  for (const block of blocks) {
    const part = await uncompress(block);
    parts.push(typeof part === 'string' ? Buffer.from(part) : part);
  }
  return unpacked(joined(parts));
}

/** The blocks in the framing of snappy-java, or the one that the bytes are without it; null where that is cut off. */
function snappyBlocks(packed: Buffer): Buffer[] | null {
  if (!packed.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return [packed];
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < packed.length;) {
    if (at + 4 > packed.length) return null;
    const end = at + 4 + packed.readUInt32BE(at);
    if (end > packed.length) return null;
    blocks.push(packed.subarray(at + 4, end));
    at = end;
  }
  return blocks;
}

/** What a block says that it unpacks to: the decoder makes no more. NaN where it does not say. */
function snappySize(block: Buffer): number {
  let size = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index];
    if (byte === undefined) break;
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  return NaN;
}

function joined(parts: readonly Buffer[]): Buffer {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
