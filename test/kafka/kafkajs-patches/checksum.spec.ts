import { execFileSync } from 'node:child_process';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';

const stock = jest.requireActual<(bytes: Buffer) => number>('kafkajs/src/protocol/recordBatch/crc32C');

describe('the mended checksum', () => {
  it('is that of kafkajs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(crc32c(buffer)).toBe(stock(buffer));
      }),
      { numRuns: 300 },
    );
  });

  it('comes before kafkajs loads what asks for it', () => {
    const script = `require('kafkajs');
      const loaded = Object.keys(require.cache).filter((file) => /crc32C|recordBatch.v0/.test(file));
      if (loaded.length > 0) { console.error(loaded.join()); process.exit(1); }`;
    expect(() => execFileSync(process.execPath, ['-e', script], { stdio: 'pipe' })).not.toThrow();
  });
});
