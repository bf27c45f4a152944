import fc from 'fast-check';
import { patchProtocolDecoding } from '../../../src/kafka/kafkajs-patches/protocol-decoding';

interface Decoded {
  readonly timestamp: string;
  readonly headers: Record<string, Buffer | Buffer[]>;
}

type DecodeRecord = (decoder: unknown, batch: object) => Decoded;

interface Protocol {
  readonly Decoder: new (buffer: Buffer) => { readVarInt(): number };
  readonly decodeRecord: DecodeRecord;
}

/** Loads kafkajs's protocol code again, since the patch changes its classes. */
function load(isPatched: boolean): Protocol {
  let protocol: Protocol | undefined;
  jest.isolateModules(() => {
    if (isPatched) patchProtocolDecoding();
    protocol = {
      Decoder: require('kafkajs/src/protocol/decoder'),
      decodeRecord: require('kafkajs/src/protocol/recordBatch/record/v0/decoder'),
    };
  });
  if (protocol === undefined) throw new Error('kafkajs was not loaded');
  return protocol;
}

const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => { buffer: Buffer };
const batch = { firstOffset: '1000', firstTimestamp: '1795360000000' };

function decode({ Decoder, decodeRecord }: Protocol, record: object): Decoded {
  const decoder = new Decoder(encodeRecord({ key: null, value: 'v', ...record }).buffer);
  decoder.readVarInt();
  return decodeRecord(decoder, batch);
}

describe('the patched decoding of the Kafka protocol', () => {
  const stock = load(false);
  const patched = load(true);

  it('reads timestamps as kafkajs does, at any distance from the first one of their batch', () => {
    const delta = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
      fc.integer({ min: -(2 ** 48), max: 2 ** 48 }),
    );
    fc.assert(
      fc.property(delta, (timestampDelta) => {
        expect(decode(patched, { timestampDelta }).timestamp).toBe(decode(stock, { timestampDelta }).timestamp);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads headers as kafkajs does, a repeated name as a list', () => {
    const names = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !(name in {}));
    fc.assert(
      fc.property(fc.dictionary(names, fc.array(fc.string(), { minLength: 1, maxLength: 3 })), (headers) => {
        expect({ ...decode(patched, { headers }).headers }).toEqual(decode(stock, { headers }).headers);
      }),
    );
  });

  it('reads a header correctly whose name is a member of every object', () => {
    const { headers } = decode(patched, { headers: { constructor: 'x', toString: 'y' } });
    expect(Object.entries(headers).map(([name, value]) => [name, String(value)])).toEqual([
      ['constructor', 'x'],
      ['toString', 'y'],
    ]);
  });

  it('reads 200,000 headers, which would not end if each header took time in proportion to their number', () => {
    const headers = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`name-${i}`, 'v']));
    expect(Object.keys(decode(patched, { headers }).headers)).toHaveLength(200_000);
  });
});
