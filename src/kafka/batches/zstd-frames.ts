/** RFC 8878, little-endian. */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
const SINGLE_SEGMENT_FLAG = 0x20;
const CHECKSUM_FLAG = 0x04;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEAD_BYTES = 3;
/** Of a block that is one byte, repeated. */
const REPEATED = 1;
const RESERVED = 3;

/**
 * The frames that compressed bytes consist of: producers may write several, one after another, and Node's zstd ends
 * with the first. Frames that hold no data are left out. Null where the bytes are no frames.
 */
export function splitZstdFrames(bytes: Buffer): Buffer[] | null {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    if (rest.length < 8) return null;
    const magic = rest.readUInt32LE(0);
    const isSkipped = (magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE;
    const length = isSkipped ? 8 + rest.readUInt32LE(4) : magic === MAGIC ? frameLength(rest) : null;
    if (length === null || length > rest.length) return null;
    if (!isSkipped) frames.push(rest.subarray(0, length));
    at += length;
  }
  return frames;
}

function frameLength(frame: Buffer): number | null {
  const descriptor = frame[4] ?? 0;
  const isSingle = (descriptor & SINGLE_SEGMENT_FLAG) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSizeBytes = sizeFlag === 0 && isSingle ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0);
  let at = 5 + (isSingle ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 3] ?? 0) + contentSizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + BLOCK_HEAD_BYTES > frame.length) return null;
    const head = frame.readUIntLE(at, BLOCK_HEAD_BYTES);
    const type = (head >> 1) & 3;
    if (type === RESERVED) return null;
    isLast = (head & 1) !== 0;
    at += BLOCK_HEAD_BYTES + (type === REPEATED ? 1 : head >> 3);
  }
  return at + ((descriptor & CHECKSUM_FLAG) !== 0 ? 4 : 0);
}
