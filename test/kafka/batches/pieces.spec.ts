import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { OneAtATime } from '../../../src/kafka/batches/one-at-a-time';
import { type FetchedBytes, type Piece, piecesOf, type UnreadableBatch } from '../../../src/kafka/batches/pieces';
import type { FetchedRecord } from '../../../src/kafka/batches/records';
import { readOldEntry } from '../../../src/kafka/kafkajs-patches/fetched-batches';
import { encodeBatch, sealed, varint, type RecordToWrite } from './encode-batch';

const MIB = 1024 * 1024;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const GZIP = 1;
const ZSTD = 4;

interface Read {
  readonly offsets: number[];
  readonly records: FetchedRecord[];
  readonly unreadable: UnreadableBatch[];
  readonly next: number | null;
}

async function read(
  bytes: Buffer | readonly Buffer[],
  fetched: Partial<FetchedBytes> = {},
  maxBatchBytes = 16 * MIB,
): Promise<Read> {
  const whole = { bytes: Buffer.concat([bytes].flat()), from: 0, highWatermark: 1e9, abortedTransactions: [] };
  const pieces: Piece[] = [];
  const limits = { maxBatchBytes, large: new OneAtATime(), readOldEntry };
  for await (const piece of piecesOf({ ...whole, ...fetched }, limits)) pieces.push(piece);
  const records = pieces.flatMap((piece) => (piece.kind === 'records' ? piece.records : []));
  const unreadable = pieces.flatMap((piece) => (piece.kind === 'unreadable' ? [piece.batch] : []));
  const next = pieces.findLast((piece) => piece.kind === 'passed')?.next ?? null;
  return { offsets: records.map(({ offset }) => offset), records, unreadable, next };
}

const records = (count: number): RecordToWrite[] =>
  Array.from({ length: count }, (_, index) => ({ key: `k-${index}`, value: `v-${index}` }));
const marker = (type: 'abort' | 'commit', producerId: number, firstOffset: number): Buffer =>
  encodeBatch([{ key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]), value: Buffer.alloc(6) }], {
    firstOffset,
    producerId,
    attributes: TRANSACTIONAL | CONTROL,
  });

const content = fc.option(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)));
const anyRecord: fc.Arbitrary<RecordToWrite> = fc.record({
  timestampDelta: fc.oneof(fc.nat(1_000), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  key: content,
  value: content,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 10 }), content), { maxLength: 3 }),
});

/** What kafkajs 2.2.4 itself reads of a batch. */
async function stock(
  bytes: Buffer,
): Promise<readonly { offset: string; timestamp: string; key: unknown; value: unknown }[]> {
  const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => unknown;
  const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: unknown) => Promise<{
    records: readonly { offset: string; timestamp: string; key: unknown; value: unknown }[];
  }>;
  return (await decode(new Decoder(bytes))).records;
}

describe('what a fetch has brought', () => {
  beforeAll(() => require('../../../src/kafka/client/codecs').registerCodecs());

  it.each([0, 1, 2, 3, 4])('is read as kafkajs reads it, by codec %i', async (codec) => {
    const batch = fc.record({
      list: fc.array(anyRecord, { minLength: 1, maxLength: 80 }),
      firstOffset: fc.nat(2 ** 40),
      firstTimestampMs: fc.constantFrom(-1, 0, 1_795_360_000_000, 253_402_300_800_000),
    });
    await fc.assert(
      fc.asyncProperty(batch, async ({ list, firstOffset, firstTimestampMs }) => {
        const bytes = encodeBatch(list, { firstOffset, firstTimestampMs, attributes: codec });
        const { records: mine, next, unreadable } = await read(bytes, { highWatermark: 2 ** 50 });
        expect(unreadable).toEqual([]);
        expect(next).toBe(firstOffset + list.length);
        const seen = mine.map(({ offset, timestampMs, key, value }) => ({ offset, timestampMs, key, value }));
        const theirs = (await stock(bytes)).map(({ offset, timestamp, key, value }) => {
          return { offset: Number(offset), timestampMs: Number(timestamp), key, value };
        });
        expect(seen).toEqual(theirs);
        expect(mine.map(({ headers }) => Object.values(headers).flat().length)).toEqual(
          list.map(({ headers = [] }) => headers.length),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('begins at the offset that was asked for, and ends before what is cut off', async () => {
    const first = encodeBatch(records(100));
    const second = encodeBatch(records(5), { firstOffset: 100 });
    const { offsets, next } = await read([first, second.subarray(0, -1)], { from: 90 });
    expect(offsets).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect(next).toBe(100);
  });

  it('may have gaps, and batches that compaction has emptied', async () => {
    const emptied = encodeBatch([], { firstOffset: 0, lastOffsetDelta: 4 });
    expect(await read(emptied)).toMatchObject({ offsets: [], unreadable: [], next: 5 });
    const gaps = encodeBatch([{ offsetDelta: 2 }, { offsetDelta: 7 }], { firstOffset: 5, lastOffsetDelta: 9 });
    expect(await read([emptied, gaps])).toMatchObject({ offsets: [7, 12], next: 15 });
  });

  it('may be one batch of more records than fit a call', async () => {
    const list = records(130_000);
    const { offsets, unreadable, next } = await read(encodeBatch(list, { attributes: GZIP }));
    expect(unreadable).toEqual([]);
    expect(offsets).toHaveLength(130_000);
    expect(next).toBe(130_000);
  });

  it('may be packed in several frames, one of them without data', async () => {
    const compress = (plain: Buffer): Buffer => {
      const half = plain.length >> 1;
      const skipped = Buffer.from([0x51, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);
      const params = { [constants.ZSTD_c_checksumFlag]: 1 };
      const parts = [plain.subarray(0, half), plain.subarray(half), Buffer.alloc(0)];
      return Buffer.concat([
        zstdCompressSync(parts[0]!),
        skipped,
        ...parts.slice(1).map((part) => zstdCompressSync(part, { params })),
      ]);
    };
    const { offsets } = await read(encodeBatch(records(20), { attributes: ZSTD, compress }));
    expect(offsets).toHaveLength(20);
    const members = (plain: Buffer): Buffer =>
      Buffer.concat([gzipSync(plain.subarray(0, 9)), gzipSync(plain.subarray(9))]);
    expect((await read(encodeBatch(records(20), { attributes: GZIP, compress: members }))).offsets).toHaveLength(20);
  });
});

describe('records of aborted transactions', () => {
  it('are left out, in whatever order the transactions end', async () => {
    const log = [
      encodeBatch(records(1), { firstOffset: 0, producerId: 1, attributes: TRANSACTIONAL }),
      encodeBatch(records(1), { firstOffset: 1, producerId: 2, attributes: TRANSACTIONAL }),
      marker('abort', 2, 2),
      marker('abort', 1, 3),
      encodeBatch(records(1), { firstOffset: 4 }),
    ];
    const abortedTransactions = [
      { producerId: '2', firstOffset: '1' },
      { producerId: '1', firstOffset: '0' },
    ];
    expect(await read(log, { abortedTransactions })).toMatchObject({ offsets: [4], next: 5, unreadable: [] });
  });

  it('are those and no others, whatever transactions overlap', async () => {
    const step = fc.record({
      producer: fc.integer({ min: 1, max: 4 }),
      end: fc.constantFrom(null, null, 'abort', 'commit'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(10), async (steps, from) => {
        const log: Buffer[] = [];
        const open = new Map<number, number[]>();
        const aborted: { producerId: string; firstOffset: string; end: number }[] = [];
        const visible: number[] = [];
        const end = (producer: number, type: 'abort' | 'commit'): void => {
          const offsets = open.get(producer);
          if (offsets === undefined) return;
          open.delete(producer);
          if (type === 'commit') visible.push(...offsets);
          else aborted.push({ producerId: String(producer), firstOffset: String(offsets[0]), end: log.length });
          log.push(marker(type, producer, log.length));
        };
        for (const { producer, end: type } of steps) {
          if (type !== null) end(producer, type);
          else {
            open.set(producer, [...(open.get(producer) ?? []), log.length]);
            log.push(
              encodeBatch(records(1), { firstOffset: log.length, producerId: producer, attributes: TRANSACTIONAL }),
            );
          }
        }
        for (const producer of open.keys()) end(producer, 'commit');
        const { offsets } = await read(log.slice(from), {
          from,
          abortedTransactions: aborted.filter((each) => each.end >= from),
        });
        expect(offsets).toEqual(visible.filter((offset) => offset >= from).sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  it('are not even looked at where they cannot be read', async () => {
    const bad = encodeBatch([], {
      producerId: 1,
      attributes: TRANSACTIONAL | GZIP,
      count: 3,
      packed: Buffer.from('no'),
    });
    const abortedTransactions = [{ producerId: '1', firstOffset: '0' }];
    expect(await read([bad, marker('abort', 1, 1)], { abortedTransactions })).toMatchObject({
      unreadable: [],
      next: 2,
    });
  });
});

describe('a batch that cannot be read', () => {
  const behind = encodeBatch(records(2), { firstOffset: 100 });

  it.each<[what: string, bytes: Buffer, why: RegExp, mayRecover: boolean]>([
    [
      'an unknown codec',
      encodeBatch([], { attributes: 6, count: 1, packed: Buffer.from('x') }),
      /codec 6 is not known/,
      false,
    ],
    ['a wrong checksum', Buffer.from(encodeBatch(records(3)).fill(1, 70, 72)), /checksum/, true],
    ['a format of the future', encodeBatch(records(3)).fill(3, 16, 17), /format 3/, false],
    ['fewer records than it says', encodeBatch(records(3), { count: 4 }), /structure/, true],
    ['more records than it says', encodeBatch(records(3), { count: 2 }), /structure/, true],
    ['a record of a length below 0', encodeBatch([], { count: 1, packed: varint(-5) }), /structure/, true],
    [
      'offsets that do not rise',
      encodeBatch([{ offsetDelta: 1 }, { offsetDelta: 1 }], { lastOffsetDelta: 2 }),
      /structure/,
      true,
    ],
    ['offsets beyond its last', encodeBatch([{ offsetDelta: 9 }], { lastOffsetDelta: 2 }), /structure/, true],
    ['what is no gzip', encodeBatch([], { attributes: 1, count: 1, packed: Buffer.from('no') }), /decompressed/, true],
    [
      'what is no snappy',
      encodeBatch([], { attributes: 2, count: 1, packed: Buffer.alloc(9, 255) }),
      /decompressed/,
      true,
    ],
    ['what is no lz4', encodeBatch([], { attributes: 3, count: 1, packed: Buffer.from('no') }), /decompressed/, true],
    ['what is no zstd', encodeBatch([], { attributes: 4, count: 1, packed: Buffer.from('no') }), /decompressed/, true],
  ])('has %s: it is named whole, and reading goes on', async (_, bytes, why, mayRecover) => {
    const { offsets, unreadable } = await read([bytes, behind]);
    expect(unreadable).toEqual([
      expect.objectContaining({ firstOffset: 0, why: expect.stringMatching(why), mayRecover }),
    ]);
    expect(unreadable[0]?.bytes).toEqual(bytes);
    expect(offsets).toEqual([100, 101]);
  });

  it('claims no offsets of the next batch, nor beyond the log', async () => {
    const damaged = encodeBatch(records(3)).fill(127, 23, 27);
    expect((await read([damaged, behind])).unreadable[0]).toMatchObject({ firstOffset: 0, lastOffset: 99 });
    expect((await read(damaged, { highWatermark: 7 })).unreadable[0]).toMatchObject({ lastOffset: 6 });
  });

  it.each([1, 2, 3, 4])('is larger than permitted, by codec %i: no more than that is ever unpacked', async (codec) => {
    const list = [{ value: Buffer.alloc(3 * MIB, 'a') }];
    const bytes = encodeBatch(list, { attributes: codec });
    expect((await read(bytes, {}, 2 * MIB)).unreadable[0]).toMatchObject({ why: expect.stringContaining('2097152') });
    expect((await read(bytes, {}, 4 * MIB)).offsets).toEqual([0]);
  });

  it('is any number of bytes: reading neither throws nor ends', async () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 1, 2, 3, 4), flips, fc.boolean(), async (codec, changed, isSealed) => {
        const bytes = encodeBatch(records(10), { attributes: codec });
        for (const [at, by] of changed) {
          const index = 16 + (at % (bytes.length - 16));
          bytes[index] = (bytes[index] ?? 0) ^ by;
        }
        const { offsets, unreadable } = await read([isSealed ? sealed(bytes) : bytes, behind], {}, 64 * 1024);
        expect(offsets.slice(-2)).toEqual([100, 101]);
        expect(offsets.length === 12 || offsets.length === 2 || unreadable.length === 0).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const { offsets } = await read(Buffer.from(bytes), {}, 64 * 1024);
        expect(offsets).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('large batches', () => {
  it('have their turn one after another', async () => {
    const bytes = encodeBatch(records(130_000), { attributes: GZIP });
    const limits = { maxBatchBytes: 16 * MIB, large: new OneAtATime(), readOldEntry };
    const fetched = { bytes, from: 0, highWatermark: 130_000, abortedTransactions: [] };
    const first = piecesOf(fetched, limits);
    const second = piecesOf(fetched, limits);
    await first.next();
    let hasBegun = false;
    const next = second.next().then(() => (hasBegun = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(hasBegun).toBe(false);
    await first.return(undefined);
    await next;
    await second.return(undefined);
  });
});
