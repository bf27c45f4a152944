import { crc32c } from '@node-rs/crc32';

const CHECKSUM_MODULE = 'kafkajs/src/protocol/recordBatch/crc32C';

/**
 * Replaces the checksum of a batch of records. kafkajs 2.2.4 computes it byte by byte in JavaScript, and each step
 * waits for the one before. This checksum is the same, in a tenth of the time. Must be called before anything is
 * produced: only then does kafkajs load the code that uses it.
 */
export function patchChecksum(): void {
  require(CHECKSUM_MODULE);
  const loaded = require.cache[require.resolve(CHECKSUM_MODULE)];
  if (loaded === undefined) throw new Error('kafkajs is not where it was');
  loaded.exports = crc32c;
}
