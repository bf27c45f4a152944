import fc from 'fast-check';
import type { IncomingRecord } from '../../src/contract/record';
import { decodeMetadata, MAX_METADATA_BYTES, MAX_SPAN } from '../../src/offsets/commit-metadata';
import type { DeadLetterRecords, PartitionBounds, Redriven, Redriver } from '../../src/dead-letters/ports';
import { reportText } from '../../src/dead-letters/report';
import { redrive, type RedriveReport, type RedriveRequest } from '../../src/dead-letters/redrive';
import {
  type PageCommit,
  type PageMarks,
  PAGE_OFFSETS,
  pageOf,
  RedriveMarks,
} from '../../src/dead-letters/redrive-marks';
import type { Publication } from '../../src/settlement/publisher';
import { deadLetterRecord, topics } from './fixtures';

/** Stands for Kafka: both topics and the groups. A batch is in all of them or in none. */
class Ground implements DeadLetterRecords, Redriver {
  readonly sent: Publication[] = [];
  private readonly commits = new Map<string, { offset: number; metadata: string }>();
  /** Which of the next batches fails, and whether it is written nevertheless. */
  fault: { inBatch: number; isWritten: boolean } | null = null;
  tooLargeBytes = Infinity;
  isTakenOver = false;

  constructor(readonly records: readonly IncomingRecord[]) {}

  async bounds(): Promise<readonly PartitionBounds[]> {
    const partitions = Map.groupBy(this.records, ({ partition }) => partition);
    return [...partitions].map(([partition, list]) => ({
      partition,
      first: Math.min(...list.map(({ offset }) => offset)),
      end: Math.max(...list.map(({ offset }) => offset)) + 1,
    }));
  }

  async *read(bounds: readonly PartitionBounds[]): AsyncGenerator<IncomingRecord> {
    for (const { partition, first, end } of bounds) {
      yield* this.records.filter((each) => each.partition === partition && each.offset >= first && each.offset < end);
    }
  }

  async takeOver(): Promise<void> {}

  async marks(pages: readonly number[]): Promise<readonly PageMarks[]> {
    return [...this.commits].flatMap(([key, { offset, metadata }]) => {
      const [page, partition] = key.split('/').map(Number);
      if (!pages.includes(page ?? -1)) return [];
      const decoded = decodeMetadata(metadata, offset);
      if (decoded.kind !== 'ours') throw new Error(decoded.reason);
      return [{ partition: partition ?? -1, done: decoded.done }];
    });
  }

  async partitionCounts(): Promise<ReadonlyMap<string, number>> {
    return new Map([['m.commands.whatsapp', 2]]);
  }

  async redrive(records: readonly Publication[], commits: readonly PageCommit[]): Promise<Redriven> {
    if (this.isTakenOver) return 'taken-over';
    if (records.some(({ value }) => (value?.length ?? 0) > this.tooLargeBytes)) return 'too-large';
    const fault = this.fault !== null && --this.fault.inBatch < 0 ? this.fault : null;
    if (fault === null || fault.isWritten) {
      this.sent.push(...records);
      for (const { page, partitions } of commits) {
        for (const { partition, offset, metadata } of partitions) {
          if (metadata.length > MAX_METADATA_BYTES) throw new Error('no broker takes such metadata');
          this.commits.set(`${page}/${partition}`, { offset: Number(offset), metadata });
        }
      }
    }
    if (fault !== null) throw new Error('Kafka is away');
    return 'redriven';
  }
}

const ALL: RedriveRequest = { filter: {}, rate: null, limit: null, isDryRun: false };
const silent = { start: (): void => {}, reached: (): void => {}, stop: (): void => {} };

function run(ground: Ground, request: Partial<RedriveRequest> = {}, signal = new AbortController().signal) {
  return redrive({ ...ALL, ...request }, { topics, records: ground, redriver: ground, progress: silent, signal });
}

function placesSent(ground: Ground): string[] {
  return ground.sent.map(({ headers }) => String(headers['x-place'])).toSorted();
}

/** Letters with gaps between them, on both sides of a page's end. */
const recordsArbitrary = fc
  .uniqueArray(fc.tuple(fc.nat(2), fc.integer({ min: PAGE_OFFSETS - 60, max: PAGE_OFFSETS + 60 })), {
    selector: ([partition, offset]) => `${partition}/${offset}`,
    minLength: 1,
    maxLength: 200,
  })
  .map((places) =>
    places
      .toSorted(([p, o], [q, r]) => p - q || o - r)
      .map(([partition, offset]) =>
        deadLetterRecord({
          partition,
          offset,
          outcome: offset % 3 === 0 ? 'invalid' : 'failed',
          own: { 'x-place': `${partition}/${offset}` },
        }),
      ),
  );

describe('a redrive', () => {
  it('sends each letter exactly once over any runs, whatever filters, limits and faults they have', async () => {
    const attempts = fc.array(
      fc.record({
        onlyInvalid: fc.boolean(),
        limit: fc.option(fc.integer({ min: 1, max: 80 })),
        burst: fc.integer({ min: 1, max: 40 }),
        fault: fc.option(fc.record({ inBatch: fc.nat(3), isWritten: fc.boolean() })),
      }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(recordsArbitrary, attempts, async (records, runs) => {
        const ground = new Ground(records);
        for (const { onlyInvalid, limit, burst, fault } of runs) {
          ground.fault = fault === null ? null : { ...fault };
          const rate = { count: 999_999, periodMs: 1, burst };
          const filter = onlyInvalid ? { outcomes: ['invalid' as const] } : {};
          // Kafka is away on purpose. Any other fault shows in the sent letters.
          await run(ground, { filter, limit, rate }).catch(() => undefined);
        }
        ground.fault = null;
        const left = records.length - ground.sent.length;
        const report = await run(ground);
        expect(report).toMatchObject({ end: 'complete', redriven: left });
        expect(placesSent(ground)).toEqual(records.map(({ partition, offset }) => `${partition}/${offset}`).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it('leaves a batch that could not be read, and tells so; a command cannot pass for one', async () => {
    const batch = { firstOffset: 3, lastOffset: 9 };
    const command = deadLetterRecord({ offset: 2, own: { 'kafka_dlt-batch': '3-9' } });
    const ground = new Ground([deadLetterRecord({ offset: 1, batch }), command]);
    const report = await run(ground);
    expect(report.redriven).toBe(1);
    expect(report.impossible).toEqual([{ place: { partition: 0, offset: 1 }, why: 'batch' }]);
    expect(reportText(report, false)).toContain('could not be read, not redriven');
  });

  it('sends nothing in a dry run, and reports what it would send', async () => {
    const ground = new Ground([deadLetterRecord({ offset: 1 }), deadLetterRecord({ offset: 2, topic: 'elsewhere' })]);
    const report = await run(ground, { isDryRun: true });
    expect(ground.sent).toEqual([]);
    expect(report.planned.list()).toEqual([{ channel: 'whatsapp', outcome: 'failed', count: 1 }]);
    expect(report.impossible).toEqual([{ place: { partition: 0, offset: 2 }, why: 'no-command-topic' }]);
  });

  it('restores key, bytes and headers, and adds its own header', async () => {
    const own = { traceparent: '00-aa', 'x-own': ['a', 'b'], 'retry-due': '1', redrive: '8/8' };
    const record = deadLetterRecord({ own, key: null, value: '\u00ff{"broken', originalPartition: 1, offset: 5 });
    const ground = new Ground([record]);
    await run(ground);
    expect(ground.sent).toEqual([
      {
        topic: 'm.commands.whatsapp',
        partition: 1,
        key: null,
        value: Buffer.from('\u00ff{"broken'),
        headers: { traceparent: '00-aa', 'x-own': ['a', 'b'], redrive: 'm.commands.whatsapp/1/3' },
      },
    ]);
  });

  it('skips a letter that is too large for its topic', async () => {
    const letters = ['a', 'b'.repeat(500), 'c'].map((value, offset) => deadLetterRecord({ offset, value }));
    const ground = new Ground(letters);
    ground.tooLargeBytes = 100;
    const report = await run(ground);
    expect(report).toMatchObject({ end: 'complete', redriven: 2 });
    expect(report.impossible).toEqual([{ place: { partition: 0, offset: 1 }, why: 'too-large' }]);
  });

  it('that fails says how many letters it sent, and that it can be run again', async () => {
    const ground = new Ground(Array.from({ length: 9 }, (_, offset) => deadLetterRecord({ offset })));
    ground.fault = { inBatch: 1, isWritten: true };
    const rate = { count: 999_999, periodMs: 1, burst: 4 };
    await expect(run(ground, { rate })).rejects.toThrow(/^Kafka is away\. 4 of 9 were redriven, .*run it again/);
  });

  it('ends if another redrive has taken over', async () => {
    const ground = new Ground([deadLetterRecord()]);
    ground.isTakenOver = true;
    expect(await run(ground)).toMatchObject({ end: 'taken-over', redriven: 0 });
  });

  it('ends after the current batch if it is interrupted', async () => {
    const interrupt = new AbortController();
    const ground = new Ground(Array.from({ length: 9 }, (_, offset) => deadLetterRecord({ offset })));
    const redriveBatch = ground.redrive.bind(ground);
    ground.redrive = async (...batch): Promise<Redriven> => {
      interrupt.abort();
      return redriveBatch(...batch);
    };
    const report: RedriveReport = await run(ground, { rate: { count: 1, periodMs: 1, burst: 4 } }, interrupt.signal);
    expect(report).toMatchObject({ end: 'interrupted', redriven: 4 });
    expect(ground.sent).toHaveLength(4);
  });

  it('refuses marks beyond the end of a partition', async () => {
    const ground = new Ground([deadLetterRecord({ offset: 3 })]);
    await run(ground);
    const cut = new Ground([deadLetterRecord({ offset: 1 })]);
    cut.marks = (pages): Promise<readonly PageMarks[]> => ground.marks(pages);
    await expect(run(cut)).rejects.toThrow(/m\.dead-letters\/0 ends before .*Delete the consumer groups/);
  });
});

describe('the marks', () => {
  it('of a full page fit the metadata of a commit', () => {
    expect(PAGE_OFFSETS).toBeLessThanOrEqual(MAX_SPAN);
    const places = Array.from({ length: PAGE_OFFSETS }, (_, at) => ({ partition: 0, offset: 9 * PAGE_OFFSETS + at }));
    const [commit, ...rest] = new RedriveMarks([]).commitsWith(places);
    expect(rest).toEqual([]);
    expect(commit?.page).toBe(9);
    expect(commit?.partitions[0]?.metadata.length).toBeLessThanOrEqual(MAX_METADATA_BYTES);
  });

  it('are kept apart by page and partition', () => {
    const marks = new RedriveMarks([{ partition: 1, done: [PAGE_OFFSETS - 1, PAGE_OFFSETS] }]);
    expect(marks.has({ partition: 1, offset: PAGE_OFFSETS })).toBe(true);
    expect(marks.has({ partition: 0, offset: PAGE_OFFSETS })).toBe(false);
    expect([pageOf(PAGE_OFFSETS - 1), pageOf(PAGE_OFFSETS)]).toEqual([0, 1]);
    const commits = marks.commitsWith([{ partition: 1, offset: PAGE_OFFSETS + 4 }]);
    expect(commits).toMatchObject([{ page: 1, partitions: [{ partition: 1, offset: String(PAGE_OFFSETS) }] }]);
    expect(marks.has({ partition: 1, offset: PAGE_OFFSETS + 4 })).toBe(false);
  });
});
