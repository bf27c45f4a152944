import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { CompressionCodecs, CompressionTypes } from 'kafkajs';

/** Each is loaded when the first batch needs it: together they take 6 MiB, and most services need neither. */
const snappy = () => import('snappy');
const lz4 = () => import('lz4-napi');

/** First bytes of snappy-java's own framing of snappy blocks. Every JVM producer uses that framing. */
const XERIAL_MAGIC = Buffer.from([130, 83, 78, 65, 80, 80, 89, 0]);
const XERIAL_HEADER_BYTES = 16;

const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);

interface Encodable {
  readonly buffer: Buffer;
}

/**
 * Registers the codecs that kafkajs does not bundle. Without them one compressed batch crashes the consumer, again
 * after each restart.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: async (encoder: Encodable) => (await snappy()).compress(encoder.buffer),
    decompress: async (buffer: Buffer) => decompressSnappy(buffer),
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: async (encoder: Encodable) => (await lz4()).compressFrame(encoder.buffer),
    decompress: async (buffer: Buffer) => (await lz4()).decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: Encodable) => compressZstd(encoder.buffer),
    decompress: async (buffer: Buffer) => decompressZstd(buffer),
  });
}

async function decompressSnappy(buffer: Buffer): Promise<Buffer> {
  const { uncompress } = await snappy();
  if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return asBuffer(await uncompress(buffer));
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < buffer.length;) {
    const size = buffer.readUInt32BE(at);
    blocks.push(asBuffer(await uncompress(buffer.subarray(at + 4, at + 4 + size))));
    at += 4 + size;
  }
  return Buffer.concat(blocks);
}

function asBuffer(bytes: Buffer | string): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
}
