import fc from 'fast-check';
import { type Encoded, recordEncoder } from '../../../src/kafka/kafkajs-patches/record-encoding';

type EncodeRecord = Parameters<typeof recordEncoder>[0];

const stock = jest.requireActual<EncodeRecord>('kafkajs/src/protocol/recordBatch/record/v0');
const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
const text = fc.string({ unit: 'binary', maxLength: 400 });
/** Longer than the buffer that an encoder begins with. */
const long = text.map((each) => each.padEnd(8_500, 'é long '));
const headerValue = fc.oneof(bytes, text);

const record = fc.record({
  offsetDelta: fc.nat(100_000),
  timestampDelta: fc.oneof(fc.nat(1_000_000), fc.constantFrom(2 ** 30 - 1, 2 ** 30, 2 ** 40)),
  key: fc.option(fc.oneof(bytes, text)),
  value: fc.option(fc.oneof(bytes, text, long)),
  headers: fc.dictionary(text, fc.oneof(headerValue, fc.array(headerValue, { maxLength: 3 })), { maxKeys: 6 }),
});

describe('the patched encoding of records', () => {
  it('writes the same bytes as kafkajs', () => {
    const never = (): Encoded => {
      throw new Error('left aside');
    };
    fc.assert(
      fc.property(record, (each) => {
        const isLeftAside = each.timestampDelta >= 2 ** 30;
        const patched = recordEncoder(isLeftAside ? stock : never)(each);
        expect(patched.buffer.equals(stock(each).buffer)).toBe(true);
        expect(patched.buf.subarray(0, patched.offset).equals(patched.buffer)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is in place before kafkajs loads the code that encodes batches, which it does with the first request', () => {
    jest.resetModules();
    jest.requireActual('kafkajs');
    const loaded = Object.keys(require.cache);
    expect(loaded).toContainEqual(expect.stringMatching(/kafkajs.index/));
    expect(loaded.filter((file) => /produce.v\d+.request|recordBatch.record/.test(file))).toEqual([]);
  });
});
