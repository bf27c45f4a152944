import { crc32c } from '@node-rs/crc32';

const CHECKSUM_MODULE = 'kafkajs/src/protocol/recordBatch/crc32C';

/**
 * Replaces how kafkajs 2.2.4 sums up a batch of records: byte by byte in JavaScript, each step waiting for the last. The sum
 * is the same, at a tenth of the time. To be called before anything is produced, since kafkajs loads what asks for it only
 * then.
 */
export function mendChecksum(): void {
  require(CHECKSUM_MODULE);
  const loaded = require.cache[require.resolve(CHECKSUM_MODULE)];
  if (loaded === undefined) throw new Error('kafkajs is not where it was');
  loaded.exports = crc32c;
}
