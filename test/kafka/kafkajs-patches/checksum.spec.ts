import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';

const stock = jest.requireActual<(bytes: Buffer) => number>('kafkajs/src/protocol/recordBatch/crc32C');

describe('the patched checksum', () => {
  it('is the same as that of kafkajs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(crc32c(buffer)).toBe(stock(buffer));
      }),
      { numRuns: 300 },
    );
  });

  it('is in place before kafkajs loads the code that uses it', () => {
    jest.resetModules();
    jest.requireActual('kafkajs');
    const loaded = Object.keys(require.cache);
    expect(loaded).toContainEqual(expect.stringMatching(/kafkajs.index/));
    expect(loaded.filter((file) => /crc32C|recordBatch.v0/.test(file))).toEqual([]);
  });
});
