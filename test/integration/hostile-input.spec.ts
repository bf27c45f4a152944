import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { registerCodecs } from '../../src/kafka/client/codecs';
import { SAMPLE_OPERATIONS } from '../../tools/lib/operations.ts';
import { TestBed, type Command, type Place } from './harness';

const MIB = 1024 * 1024;
const TO = { contact: 'c-1' };

const valid = (id: string): object => ({ id, type: 'text', request: textRequest() });
const textRequest = (): Record<string, unknown> => ({
  contact: { id: 'c-1' },
  workspace: { id: 'w-1' },
  textMessage: 'Hello',
});
/** Written as text: `__proto__` in an object literal would set the prototype instead. */
const withProto = (where: 'command' | 'request' | 'part'): string => {
  const proto = '"__proto__":{"id":"p","type":"text"}';
  const inPart = `{"id":"c-1"${where === 'part' ? `,${proto}` : ''}}`;
  const inRequest = where === 'request' ? `,${proto}` : '';
  const request = `{"contact":${inPart},"workspace":{"id":"w-1"},"textMessage":"x"${inRequest}}`;
  return where === 'command'
    ? `{"request":${request},${proto}}`
    : `{"id":"proto-${where}","type":"text","request":${request}}`;
};
const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

interface Hostile {
  readonly name: string;
  readonly value: Command['value'];
  readonly headers?: Command['headers'];
  readonly key?: Buffer;
  readonly error: RegExp;
}

const RECORDS: readonly Hostile[] = [
  { name: 'text that is no JSON', value: 'Hello?', error: /JSON/ },
  { name: 'JSON that is cut off', value: '{"id":"x","type":"te', error: /JSON/ },
  { name: 'a JSON array', value: '[1,2]', error: /object/ },
  { name: 'a JSON number', value: '4711', error: /object/ },
  { name: 'JSON null', value: 'null', error: /object/ },
  { name: 'a tombstone', value: null, error: /./ },
  { name: 'an empty value', value: Buffer.alloc(0), error: /./ },
  { name: 'blanks', value: ' \n\t ', error: /JSON/ },
  { name: 'bytes that are no UTF-8', value: Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x7d]), error: /UTF-8/ },
  {
    name: 'JSON with a text that is no UTF-8',
    value: Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xc3, 0x28]), Buffer.from('","type":"text"}')]),
    error: /UTF-8/,
  },
  { name: 'a text of 1 MB that is no JSON', value: 'x'.repeat(1_000_000), error: /JSON/ },
  {
    name: 'a message text of 1 MB',
    value: { id: 'long', type: 'text', request: { ...textRequest(), textMessage: 'y'.repeat(1_000_000) } },
    error: /request\.textMessage: /,
  },
  { name: 'an id of 1 MB', value: { id: 'i'.repeat(1_000_000), type: 'text', request: textRequest() }, error: /^id: / },
  { name: 'arrays nested 10,000 deep', value: nested('[', ']', 10_000), error: /./ },
  { name: 'objects nested 10,000 deep', value: `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, error: /./ },
  {
    name: 'buttons nested 10,000 deep',
    value:
      '{"id":"deep","type":"text","request":{"contact":{"id":"c"},"workspace":{"id":"w-1"},"textMessage":"x",' +
      `"buttons":${nested('[', ']', 10_000)}}}`,
    error: /./,
  },
  { name: '__proto__ in the command', value: withProto('command'), error: /id: [^;]*;|type: / },
  { name: '__proto__ in the request', value: withProto('request'), error: /request.*__proto__/ },
  { name: '__proto__ in a part of the request', value: withProto('part'), error: /request\.contact.*__proto__/ },
  { name: 'an unknown type', value: { id: 'a', type: 'fax', request: textRequest() }, error: /^type: / },
  {
    name: 'a type that its channel does not have',
    value: { id: 'a', type: 'media', request: textRequest() },
    error: /^type: /,
  },
  {
    name: 'both recipients',
    value: { id: 'a', type: 'text', request: { ...textRequest(), recepient: { phoneNumber: '+491511' } } },
    error: /contact|recepient/,
  },
  {
    name: 'neither recipient',
    value: { id: 'a', type: 'text', request: { workspace: { id: 'w-1' }, textMessage: 'x' } },
    error: /contact|recepient/,
  },
  {
    name: 'an unknown field in the request',
    value: { id: 'a', type: 'text', request: { ...textRequest(), urgent: true } },
    error: /request\.urgent: /,
  },
  {
    name: 'a key of bytes that are no UTF-8',
    key: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    value: 'no JSON',
    error: /JSON/,
  },
  { name: 'headers of 900 KB', headers: { huge: 'h'.repeat(900_000) }, value: 'no JSON', error: /JSON/ },
  {
    name: '4,000 headers',
    headers: Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [`name-${at}`, 'h'.repeat(200)])),
    value: 'no JSON',
    error: /JSON/,
  },
  {
    name: 'headers under the names of properties, empty and repeated ones',
    headers: { constructor: 'c', toString: 't', '': 'nameless', empty: '', twice: ['a', 'b'] },
    value: 'no JSON',
    error: /JSON/,
  },
];

/** Every field of a command is replaced in turn by each of these. */
const WRONG_VALUES: readonly unknown[] = [null, 4711, true, '', [], {}, [[]], { id: {} }];

function* wrongTypes(): Generator<Hostile & { readonly channel: Command['channel'] }> {
  for (const { channel, type, request } of SAMPLE_OPERATIONS) {
    const right = request(channel === 'whatsapp' ? { phoneNumber: '+4915112345678' } : TO, 'w-1', 'Hello');
    const command = { id: 'wrong', type, request: right };
    for (const path of pathsOf(command)) {
      for (const wrong of WRONG_VALUES) {
        const value = structuredClone(command) as Record<string, unknown>;
        if (put(value, path, wrong)) yield { name: path.join('.'), channel, value, error: /./ };
      }
    }
  }
}

/** Paths of all fields. The fields inside `buttons` are free, so they are left out. */
function* pathsOf(node: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, child] of Object.entries(node)) {
    yield [...path, name];
    if (name !== 'buttons') yield* pathsOf(child, [...path, name]);
  }
}

/** Puts a wrong value at a path. Returns false if the value would be right there. */
function put(root: Record<string, unknown>, path: readonly string[], wrong: unknown): boolean {
  const last = path.at(-1) ?? '';
  if (last === 'buttons' && Array.isArray(wrong)) return false;
  let node: Record<string, unknown> = root;
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, unknown>;
  node[last] = wrong;
  return true;
}

describe('a record that is no command', () => {
  let bed: TestBed;

  beforeAll(async () => {
    // Room for headers and overhead in addition to a value of 1 MB; Kafka's default is 1,048,588 bytes a batch.
    const room = { 'max.message.bytes': String(2 * MIB) };
    bed = await TestBed.start({
      channels: ['whatsapp', 'messenger', 'instagram', 'telegram'],
      topicConfigs: { commands: room, deadLetters: room },
    });
  });

  it.each(RECORDS)('$name: it is refused and kept, and the command after it is sent', async (hostile) => {
    const id = `behind-${RECORDS.indexOf(hostile)}`;
    const { value, headers = {}, key = Buffer.from('k') } = hostile;
    const commands: Command[] = [
      { channel: 'instagram', key, value, headers, partition: 0 },
      { channel: 'instagram', key, value: valid(id), partition: 0 },
    ];
    const [bad, good] = (await bed.produce(commands)) as [Place, Place];
    const sent = await bed.resultOf(good);
    expect(sent.result).toMatchObject({ commandId: id, outcome: 'accepted' });

    const { result } = await bed.resultOf(bad);
    expect(result).toMatchObject({
      outcome: 'invalid',
      attempts: 0,
      httpStatus: null,
      id: '',
      status: '',
      source: bad,
    });
    expect(result.error).toMatch(hostile.error);
    expect(result.error.length).toBeLessThanOrEqual(2_000);
    const letter = await bed.deadLetterOf(bad);
    expect(letter.headers).toMatchObject({ outcome: 'invalid', error: result.error, attempts: '0' });
    expect(letter.headers['kafka_dlt-truncated']).toBeUndefined();
    for (const [name, own] of Object.entries(headers)) expect(letter.headers[name]).toBe([own].flat().at(-1));
    const bytes =
      typeof value === 'object' && !Buffer.isBuffer(value) && value !== null ? JSON.stringify(value) : value;
    expect(letter.value === null ? null : letter.value.equals(Buffer.from(bytes ?? ''))).toBe(
      bytes === null ? null : true,
    );
  });

  it('if any field of any operation has the wrong type, the error names it and nothing is sent', async () => {
    const wrong = [...wrongTypes()];
    const callsBefore = bed.sandbox.report().calls;
    const places = await bed.produce(
      wrong.map(({ channel, value }) => ({ key: 'k', value, ...(channel !== undefined && { channel }) })),
    );
    const seen = await Promise.all(places.map((place) => bed.resultOf(place)));
    const letters = await Promise.all(places.map((place) => bed.deadLetterOf(place)));
    for (const [at, { name, value }] of wrong.entries()) {
      expect({ at, value, outcome: seen[at]?.result.outcome }).toEqual({ at, value, outcome: 'invalid' });
      // The path as the service writes it, or the path of an object around it.
      const [first = '', second = ''] = name.split('.');
      expect(seen[at]?.result.error).toMatch(new RegExp(`${first}(: must have one of|\\.${second}|: )`));
      expect(letters[at]?.value?.toString()).toBe(JSON.stringify(value));
    }
    expect(bed.sandbox.report().calls).toBe(callsBefore);
    expect(wrong.length).toBeGreaterThan(400);
  });

  it('500 of them in a row do not stop the commands after them', async () => {
    const bad: Command[] = Array.from({ length: 500 }, (_, at) => ({
      channel: 'messenger',
      key: 'same',
      partition: 1,
      value: at % 2 === 0 ? `{"id":${at},` : { id: `bad-${at}`, type: 'text', request: { elements: [{}, {}, {}] } },
    }));
    const places = await bed.produce([
      ...bad,
      { channel: 'messenger', key: 'same', partition: 1, value: valid('last') },
    ]);
    const last = places.at(-1) as Place;
    const { result } = await bed.resultOf(last);
    expect(result).toMatchObject({ commandId: 'last', outcome: 'accepted' });
  });

  it('is committed like any other', async () => {
    for (const channel of bed.channels) await bed.untilCommitted(bed.commandTopic(channel));
    expect(bed.seenDeadLetters.every(({ headers }) => headers['outcome'] === 'invalid')).toBe(true);
  });
});

describe('headers without a value', () => {
  const gzipCodec = kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP];

  afterEach(() => {
    kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP] = gzipCodec;
  });

  it('stop nothing: the dead letter has empty headers in their place', async () => {
    const bed = await TestBed.start();
    // Other clients can write a header without a value, but kafkajs cannot. So the one record of this batch is written
    // byte by byte, as the output of its compression. Lengths are zigzag varints; 1 means -1, which is no value. Key:
    // none. Value: `!`. Headers: `a` once, `n` twice.
    const record = Buffer.from([0, 0, 0, 1, 2, 0x21, 6, 2, 0x61, 1, 2, 0x6e, 1, 2, 0x6e, 1]);
    const records = gzipSync(Buffer.concat([Buffer.from([record.length * 2]), record]));
    kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP] = () => ({ compress: () => Promise.resolve(records) });
    const [bad] = await bed.produce([{ value: 'replaced' }], kafkajs.CompressionTypes.GZIP);
    const [good] = await bed.produce([{ value: valid('behind-no-value') }]);
    expect((await bed.resultOf(good)).result.outcome).toBe('accepted');
    expect((await bed.resultOf(bad)).result.outcome).toBe('invalid');
    const letter = await bed.deadLetterOf(bad);
    expect(letter.value?.toString()).toBe('!');
    expect(letter.headers).toMatchObject({ a: '', n: '' });
    await bed.untilCommitted();
  });
});

describe('a batch as other producers write it', () => {
  let bed: TestBed;

  beforeAll(async () => {
    registerCodecs();
    bed = await TestBed.start();
  });

  it.each([
    ['gzip', kafkajs.CompressionTypes.GZIP],
    ['snappy', kafkajs.CompressionTypes.Snappy],
    ['lz4', kafkajs.CompressionTypes.LZ4],
    ['zstd', kafkajs.CompressionTypes.ZSTD],
  ])('is read where it is compressed by %s', async (name, compression) => {
    const commands = Array.from({ length: 200 }, (_, at) => ({
      key: `${name}-${at % 10}`,
      value: valid(`${name}-${at}`),
    }));
    const places = await bed.produce(commands, compression);
    const seen = await Promise.all(places.map((place) => bed.resultOf(place)));
    expect(seen.map(({ result }) => `${result.commandId} ${result.outcome}`)).toEqual(
      commands.map((_, at) => `${name}-${at} accepted`),
    );
  });

  it('of a transaction is sent after its commit, and never if it was aborted', async () => {
    const producer = bed.kafka.producer({
      transactionalId: `${bed.prefix}tx`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    try {
      for (const round of [1, 2, 3]) {
        const aborted = await producer.transaction();
        await bed.produceWith(
          aborted,
          Array.from({ length: 20 }, (_, at) => ({ key: `k-${at}`, value: valid(`aborted-${round}-${at}`) })),
        );
        await aborted.abort();
        const committed = await producer.transaction();
        const kept = Array.from({ length: 20 }, (_, at) => ({ key: `k-${at}`, value: valid(`kept-${round}-${at}`) }));
        const places = await bed.produceWith(committed, kept);
        await committed.commit();
        for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
      }
      const last = await producer.transaction();
      await bed.produceWith(
        last,
        [0, 1].map((partition) => ({ partition, value: valid(`aborted-last-${partition}`) })),
      );
      await last.abort();
    } finally {
      await producer.disconnect();
    }
    const sent = bed.sandbox.calls().map(({ key }) => key);
    expect(sent.filter((key) => key.startsWith('aborted'))).toEqual([]);
    expect(sent.filter((key) => key.startsWith('kept'))).toHaveLength(60);
  });

  it('leaves no lag, even with markers and aborted records at the end', async () => {
    const next = await bed.produce([0, 1].map((partition) => ({ partition, value: valid(`after-${partition}`) })));
    for (const place of next) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    await bed.untilCommitted();
    expect(await lagOf(bed)).toEqual([0, 0]);
  });
});

async function lagOf(bed: TestBed): Promise<number[]> {
  const metrics = await bed.service.metrics();
  const lines = metrics.split('\n').filter((line) => line.startsWith('messages_dispatcher_lag_messages{'));
  return lines.filter((line) => line.includes(`"${bed.commandTopic()}"`)).map((line) => Number(line.split(' ').at(-1)));
}
