import fc from 'fast-check';
import { patchProtocolEncoding } from '../../../src/kafka/kafkajs-patches/protocol-encoding';

interface Encoder {
  readonly buffer: Buffer;
  writeVarInt(value: number): Encoder;
  writeVarLong(value: number | string): Encoder;
}

interface Protocol {
  readonly Encoder: { new (): Encoder; sizeOfVarLong(value: number | string): number };
  readonly encodeRecord: (record: object) => Encoder;
}

/** Loads kafkajs's protocol code again, since the patch changes its classes. */
function load(isPatched: boolean): Protocol {
  let protocol: Protocol | undefined;
  jest.isolateModules(() => {
    if (isPatched) patchProtocolEncoding();
    protocol = {
      Encoder: require('kafkajs/src/protocol/encoder'),
      encodeRecord: require('kafkajs/src/protocol/recordBatch/record/v0'),
    };
  });
  if (protocol === undefined) throw new Error('kafkajs was not loaded');
  return protocol;
}

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const long = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
  fc.maxSafeInteger(),
  fc.maxSafeInteger().map(String),
);
const record = fc.record({
  offsetDelta: fc.nat(100_000),
  timestampDelta: long,
  key: fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))),
  value: fc.option(fc.string({ maxLength: 2_000 })),
  headers: fc.dictionary(fc.string({ maxLength: 80 }), fc.string({ maxLength: 200 }), { maxKeys: 8 }),
});

describe('the patched encoding of the Kafka protocol', () => {
  const stock = load(false);
  const patched = load(true);

  it("is not kafkajs's own", () => {
    expect(patched.Encoder).not.toBe(stock.Encoder);
    expect(String(patched.Encoder.prototype.writeVarLong)).not.toBe(String(stock.Encoder.prototype.writeVarLong));
  });

  it('writes every integer as kafkajs does', () => {
    fc.assert(
      fc.property(int32, long, (int, big) => {
        const write = ({ Encoder }: Protocol): Buffer => new Encoder().writeVarInt(int).writeVarLong(big).buffer;
        expect(write(patched)).toEqual(write(stock));
        expect(patched.Encoder.sizeOfVarLong(big)).toBe(stock.Encoder.sizeOfVarLong(big));
      }),
      { numRuns: 2_000 },
    );
  });

  it('writes values of every length as kafkajs does', () => {
    for (let length = 0; length < 2_100; length++) {
      const fields = { key: null, value: 'x'.repeat(length), headers: {} };
      expect(patched.encodeRecord(fields).buffer.equals(stock.encodeRecord(fields).buffer)).toBe(true);
    }
  });

  it('writes every record as kafkajs does', () => {
    fc.assert(
      fc.property(record, (fields) => {
        expect(patched.encodeRecord(fields).buffer).toEqual(stock.encodeRecord(fields).buffer);
      }),
      { numRuns: 500 },
    );
  });
});
