import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';
import { unpack } from '../batches/unpack';

interface Encodable {
  readonly buffer: Buffer;
}

type Compress = (bytes: Buffer) => Promise<Buffer>;

/** The largest message set in a format of before Kafka 0.11: kafkajs itself unpacks those. */
const MAX_OLD_BYTES = 16 * 1024 * 1024;

const COMPRESS: readonly (readonly [type: Exclude<CompressionTypes, CompressionTypes.None>, compress: Compress])[] = [
  [CompressionTypes.GZIP, promisify(gzip)],
  [CompressionTypes.Snappy, async (bytes) => (await import('snappy')).compress(bytes)],
  [CompressionTypes.LZ4, async (bytes) => (await import('lz4-napi')).compressFrame(bytes)],
  [CompressionTypes.ZSTD, promisify(zstdCompress)],
];

/** Registers codecs that kafkajs does not bundle, and one with a limit in place of its own. */
export function registerCodecs(): void {
  for (const [type, compress] of COMPRESS) {
    CompressionCodecs[type] = () => ({
      compress: (encoder: Encodable) => compress(encoder.buffer),
      decompress: async (packed: Buffer) => {
        const unpacked = await unpack(type, packed, MAX_OLD_BYTES);
        if (unpacked.kind !== 'unpacked') throw new Error(`a message set is ${unpacked.kind}`);
        return unpacked.bytes;
      },
    });
  }
}
