import { zstdCompressSync } from 'node:zlib';
import { encodeBatch, type BatchToWrite, type RecordToWrite } from '../kafka/batches/encode-batch';
import { TestBed, type TestBedOptions } from './harness';
import { produceRaw } from './raw-produce.ts';

const MIB = 1024 * 1024;
const GZIP = 1;
const ZSTD = 4;
const FIVE_MIB = {
  commands: { 'max.message.bytes': String(5 * MIB) },
  deadLetters: { 'max.message.bytes': String(5 * MIB) },
};

const valid = (id: string): object => ({
  id,
  type: 'text',
  request: { contact: { id: `c-${id}` }, workspace: { id: 'w-1' }, textMessage: 'x' },
});
const command = (id: string): RecordToWrite => ({ key: `c-${id}`, value: JSON.stringify(valid(id)) });

/** Short commands: 130,000 of them are below the default of KAFKA_MAX_BATCH_BYTES. */
const short = (index: number): RecordToWrite => ({
  value: `{"id":"${index}","type":"text","request":{"contact":{"id":"c-${index}"},"workspace":{"id":"w"},"textMessage":"x"}}`,
});

async function start(options: TestBedOptions = {}): Promise<TestBed> {
  return TestBed.start({ partitions: 1, topicConfigs: FIVE_MIB, ...options });
}

function write(bed: TestBed, records: readonly RecordToWrite[], batch: BatchToWrite): Promise<void> {
  return produceRaw(bed.admin, bed.commandTopic(), 0, encodeBatch(records, { firstTimestampMs: Date.now(), ...batch }));
}

/** What is right whatever the batch: one invalid result, the batch as dead letter, and all behind it is sent. */
async function expectInvalid(bed: TestBed, count: number, error: RegExp): Promise<void> {
  const place = { topic: bed.commandTopic(), partition: 0, offset: '0' };
  const [behind] = await bed.produce([{ value: valid('behind') }]);
  expect((await bed.resultOf(behind)).result.outcome).toBe('accepted');
  const { key, result } = await bed.resultOf(place);
  expect(key).toBe(`${bed.commandTopic()}/0/0`);
  expect(result).toMatchObject({ commandId: null, outcome: 'invalid', attempts: 0, source: place });
  expect(result.error).toMatch(error);
  expect(result.error).toContain(`offsets 0 to ${count - 1}`);
  const letter = await bed.deadLetterOf(place);
  expect(letter.headers).toMatchObject({ 'kafka_dlt-batch': `0-${count - 1}`, outcome: 'invalid' });
  expect(letter.key).toBe(key);
  await bed.untilCommitted();
  expect(await bed.committed()).toEqual([count + 1]);
  expect(bed.seenResults).toHaveLength(2);
  expect(bed.seenDeadLetters).toHaveLength(1);
}

describe('a batch', () => {
  it('of 130,000 commands is read piece by piece', async () => {
    await using bed = await start({ settings: { LOG_LEVEL: 'info' }, sandbox: { recordCalls: false } });
    await write(
      bed,
      Array.from({ length: 130_000 }, (_, index) => short(index)),
      { attributes: GZIP },
    );
    await bed.results(3_000);
    expect(bed.seenResults.every(({ result }) => result.outcome === 'accepted')).toBe(true);
    const [committed = 0] = await bed.committed();
    expect(committed).toBeGreaterThan(0);
    expect(bed.output).not.toContain('consumer crashed');
  });

  it('in two zstd frames is read', async () => {
    await using bed = await start();
    const compress = (plain: Buffer): Buffer => {
      const half = plain.length >> 1;
      return Buffer.concat([zstdCompressSync(plain.subarray(0, half)), zstdCompressSync(plain.subarray(half))]);
    };
    await write(
      bed,
      Array.from({ length: 20 }, (_, index) => command(`z-${index}`)),
      { attributes: ZSTD, compress },
    );
    await bed.results(20);
    expect(new Set(bed.seenResults.map(({ result }) => result.outcome))).toEqual(new Set(['accepted']));
    await bed.untilCommitted();
    expect(await bed.committed()).toEqual([20]);
  });

  it.each([
    ['90 MiB by zstd', 90, ZSTD],
    ['400 MiB by gzip', 400, GZIP],
  ])(
    'of one record of %s is not unpacked: it ends as invalid, and reading goes on',
    async (_, mebibytes, attributes) => {
      await using bed = await start();
      await write(bed, [{ value: Buffer.alloc(mebibytes * MIB, 'a') }], { attributes });
      await expectInvalid(bed, 1, /larger than 16777216 bytes/);
      const [letter] = bed.seenDeadLetters;
      expect(letter?.value?.readInt8(16)).toBe(2);
      expect(bed.output).not.toContain('consumer crashed');
    },
  );

  it('larger than KAFKA_MAX_BATCH_BYTES is one dead letter, truncated where the topic takes no more', async () => {
    const topicConfigs = { commands: FIVE_MIB.commands, deadLetters: { 'max.message.bytes': '20000' } };
    await using bed = await start({ topicConfigs, settings: { KAFKA_MAX_BATCH_BYTES: '100000' } });
    const random = Array.from({ length: 1_000 }, () => ({
      value: Buffer.from(crypto.getRandomValues(new Uint8Array(150))),
    }));
    await write(bed, random, { attributes: GZIP });
    await expectInvalid(bed, 1_000, /larger than 100000 bytes/);
    expect(bed.seenDeadLetters[0]).toMatchObject({ value: null, headers: { 'kafka_dlt-truncated': 'true' } });
  });
});
