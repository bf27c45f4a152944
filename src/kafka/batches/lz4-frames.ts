/** Of an LZ4 frame, little-endian. */
const MAGIC = 0x184d2204;
const CONTENT_SIZE_FLAG = 0x08;
const DICTIONARY_FLAG = 0x01;
const BLOCK_CHECKSUM_FLAG = 0x10;
const STORED_FLAG = 0x80000000;
const MIN_MATCH = 4;
const LONG = 15;

/**
 * How many bytes an LZ4 frame would unpack to, by the lengths in it, and without unpacking: lz4-napi takes no limit.
 * Stops counting beyond `limit`. Null where the bytes are no LZ4 frame.
 */
export function lz4UnpackedSize(frame: Buffer, limit: number): number | null {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) return null;
  const flags = frame[4] ?? 0;
  let at = 6 + ((flags & CONTENT_SIZE_FLAG) !== 0 ? 8 : 0) + ((flags & DICTIONARY_FLAG) !== 0 ? 4 : 0) + 1;
  let size = 0;
  while (size <= limit) {
    if (at + 4 > frame.length) return null;
    const head = frame.readUInt32LE(at);
    at += 4;
    if (head === 0) return size;
    const length = head & ~STORED_FLAG;
    if (at + length > frame.length) return null;
    const unpacked = head >= STORED_FLAG ? length : blockSize(frame, at, at + length, limit - size);
    if (unpacked === null) return null;
    size += unpacked;
    at += length + ((flags & BLOCK_CHECKSUM_FLAG) !== 0 ? 4 : 0);
  }
  return size;
}

/** A block is literals and matches by turns, each with its length; the last has no match. */
function blockSize(block: Buffer, from: number, end: number, limit: number): number | null {
  let size = 0;
  let at = from;
  const length = (short: number): number => {
    let total = short;
    if (short < LONG) return total;
    for (let more = 255; more === 255 && at < end;) {
      more = block[at++] ?? 0;
      total += more;
    }
    return total;
  };
  while (at < end && size <= limit) {
    const token = block[at++] ?? 0;
    const literals = length(token >> 4);
    size += literals;
    at += literals;
    if (at > end) return null;
    if (at === end) return size;
    at += 2;
    size += length(token & LONG) + MIN_MATCH;
  }
  return at > end ? null : size;
}
