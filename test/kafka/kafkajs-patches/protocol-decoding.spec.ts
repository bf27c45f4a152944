import fc from 'fast-check';
import { mendProtocolDecoding } from '../../../src/kafka/kafkajs-patches/protocol-decoding';

interface Decoded {
  readonly timestamp: string;
  readonly headers: Record<string, Buffer | Buffer[]>;
}

type DecodeRecord = (decoder: unknown, batch: object) => Decoded;

interface Protocol {
  readonly Decoder: new (buffer: Buffer) => { readVarInt(): number };
  readonly decodeRecord: DecodeRecord;
}

/** kafkajs's protocol code, loaded anew: the changes are made to its classes. */
function load(isMended: boolean): Protocol {
  let protocol: Protocol | undefined;
  jest.isolateModules(() => {
    if (isMended) mendProtocolDecoding();
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

describe('the mended decoding of the Kafka protocol', () => {
  const stock = load(false);
  const mended = load(true);

  it('reads timestamps as kafkajs does, however far from the first of their batch', () => {
    const delta = fc.oneof(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
      fc.integer({ min: -(2 ** 48), max: 2 ** 48 }),
    );
    fc.assert(
      fc.property(delta, (timestampDelta) => {
        expect(decode(mended, { timestampDelta }).timestamp).toBe(decode(stock, { timestampDelta }).timestamp);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads headers as kafkajs does, a repeated name as a list', () => {
    const names = fc.string({ minLength: 1, maxLength: 20 }).filter((name) => !(name in {}));
    fc.assert(
      fc.property(fc.dictionary(names, fc.array(fc.string(), { minLength: 1, maxLength: 3 })), (headers) => {
        expect({ ...decode(mended, { headers }).headers }).toEqual(decode(stock, { headers }).headers);
      }),
    );
  });

  it('takes a header named as a member of every object for what it is', () => {
    const { headers } = decode(mended, { headers: { constructor: 'x', toString: 'y' } });
    expect(Object.entries(headers).map(([name, value]) => [name, String(value)])).toEqual([
      ['constructor', 'x'],
      ['toString', 'y'],
    ]);
  });

  it('reads headers by the hundred thousand, which would never end if each were looked for among the others', () => {
    const headers = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`name-${i}`, 'v']));
    expect(Object.keys(decode(mended, { headers }).headers)).toHaveLength(200_000);
  });
});
