import { setTimeout as sleep } from 'node:timers/promises';
import type { RateLimit } from '../config/config';
import { CHANNELS } from '../contract/channels';
import { headerBytes } from '../contract/headers';
import type { Topics } from '../contract/topics';
import type { Publication } from '../settlement/publisher';
import { type DeadLetter, type Place, readDeadLetter } from './dead-letter';
import type { Filter } from './filter';
import { Pace } from './pace';
import type { DeadLetterRecords, PartitionBounds, Redriver } from './ports';
import { pageOf, RedriveMarks } from './redrive-marks';
import { judge, type RedriveRules, type Skipped } from './redrive-plan';
import { Tally } from './tally';

/** kafkajs writes one batch per partition and never splits it. A broker might refuse a larger one as a whole. */
const MAX_BATCH_BYTES = 512 * 1024;
/** Upper bound of a record's bytes beside key, value and headers. */
const RECORD_OVERHEAD_BYTES = 100;

export interface RedriveRequest {
  readonly filter: Filter;
  readonly rate: RateLimit | null;
  /** Most letters that are redriven; null for all. */
  readonly limit: number | null;
  readonly isDryRun: boolean;
}

/** The result of a redrive. */
export interface RedriveReport {
  readonly end: 'complete' | 'interrupted' | 'taken-over';
  /** The letters that were to be redriven, within the limit. */
  readonly planned: Tally;
  readonly redriven: number;
  readonly skipped: ReadonlyMap<Skipped, number>;
  /** Letters that match the filter but cannot be redriven, in the order of their topic. */
  readonly impossible: readonly { readonly place: Place; readonly why: Skipped | 'too-large' }[];
}

export interface RedriveProgress {
  start(total: number): void;
  reached(redriven: number): void;
  stop(): void;
}

export interface RedriveDeps {
  readonly topics: Topics;
  readonly records: DeadLetterRecords;
  readonly redriver: Redriver;
  readonly progress: RedriveProgress;
  /** Ends the redrive after the current batch. */
  readonly signal: AbortSignal;
}

interface Planned {
  readonly letter: DeadLetter;
  readonly publication: Publication;
}

/** An operator has to know the places of letters that were skipped for these reasons. */
const IMPOSSIBLE: ReadonlySet<Skipped> = new Set(['batch', 'truncated', 'no-command-topic', 'no-such-partition']);

/**
 * Redrives dead letters, partition by partition, the oldest first. Each batch and its marks are written in one
 * transaction. The topic is read twice, the first time to count. Letters that are written meanwhile are left alone.
 */
export async function redrive(request: RedriveRequest, deps: RedriveDeps): Promise<RedriveReport> {
  const { records, redriver, topics, signal } = deps;
  if (!request.isDryRun) await redriver.takeOver();
  const bounds = await records.bounds(signal);
  const marks = await readMarks(redriver, bounds, topics);
  const commandTopics = topics.commands(CHANNELS).map(({ topic }) => topic);
  const rules = { filter: request.filter, marks, partitionCounts: await redriver.partitionCounts(commandTopics) };
  return new Redrive(request, deps, rules, bounds).run();
}

class Redrive {
  private readonly planned = new Tally();
  private readonly skipped = new Map<Skipped, number>();
  private readonly impossible: { place: Place; why: Skipped | 'too-large' }[] = [];
  private readonly pace: Pace;
  private redriven = 0;
  private isTakenOver = false;

  constructor(
    private readonly request: RedriveRequest,
    private readonly deps: RedriveDeps,
    private rules: RedriveRules,
    private readonly bounds: readonly PartitionBounds[],
  ) {
    this.pace = new Pace(request.rate);
  }

  async run(): Promise<RedriveReport> {
    const { progress, signal } = this.deps;
    await this.survey();
    if (!this.request.isDryRun && this.planned.total > 0) {
      progress.start(this.planned.total);
      try {
        await this.sendAll();
      } catch (error) {
        if (!isInterruption(error, signal)) throw this.withProgress(error);
      } finally {
        progress.stop();
      }
    }
    const { planned, redriven, skipped, impossible } = this;
    const end = this.isTakenOver ? 'taken-over' : signal.aborted ? 'interrupted' : 'complete';
    return { end, planned, redriven, skipped, impossible };
  }

  /** Reads all letters once, so that the total is known before anything is sent. */
  private async survey(): Promise<void> {
    for await (const letter of this.letters()) {
      const judgement = judge(letter, this.rules);
      if (judgement.kind === 'redrive') {
        if (this.planned.total < this.limit) this.planned.add(letter);
        continue;
      }
      const { kind } = judgement;
      this.skipped.set(kind, (this.skipped.get(kind) ?? 0) + 1);
      if (IMPOSSIBLE.has(kind)) this.impossible.push({ place: letter.place, why: kind });
    }
  }

  private async sendAll(): Promise<void> {
    let batch: Planned[] = [];
    let bytes = 0;
    let taken = 0;
    for await (const letter of this.letters()) {
      const judgement = judge(letter, this.rules);
      if (judgement.kind !== 'redrive') continue;
      if (taken === this.limit) break;
      const size = sizeOf(judgement.publication);
      if (batch.length === this.pace.maxBatch || (batch.length > 0 && bytes + size > MAX_BATCH_BYTES)) {
        if (!(await this.send(batch))) return;
        batch = [];
        bytes = 0;
      }
      batch.push({ letter, publication: judgement.publication });
      bytes += size;
      taken++;
    }
    await this.send(batch);
  }

  /** Resolves to whether the redrive goes on. */
  private async send(batch: readonly Planned[]): Promise<boolean> {
    if (batch.length === 0) return true;
    const { redriver, progress, signal } = this.deps;
    await sleep(this.pace.waitMs(performance.now()), undefined, { signal });
    this.pace.sent(batch.length, performance.now());
    const places = batch.map(({ letter }) => letter.place);
    const publications = batch.map(({ publication }) => publication);
    const ended = await redriver.redrive(publications, this.rules.marks.commitsWith(places));
    switch (ended) {
      case 'redriven':
        this.rules.marks.add(places);
        this.redriven += batch.length;
        progress.reached(this.redriven);
        return !signal.aborted;
      case 'taken-over':
        this.isTakenOver = true;
        return false;
      case 'too-large':
        return this.sendSingly(batch);
    }
  }

  private async sendSingly(batch: readonly Planned[]): Promise<boolean> {
    const [only] = batch;
    if (only !== undefined && batch.length === 1) {
      this.impossible.push({ place: only.letter.place, why: 'too-large' });
      await this.startAnew();
      return !this.deps.signal.aborted;
    }
    await this.startAnew();
    for (const each of batch) {
      if (!this.rules.marks.has(each.letter.place) && !(await this.send([each]))) return false;
    }
    return true;
  }

  /** After a refused batch the brokers' sequence numbers are unknown, and another redrive may have run. */
  private async startAnew(): Promise<void> {
    const { redriver, topics } = this.deps;
    await redriver.takeOver();
    this.rules = { ...this.rules, marks: await readMarks(redriver, this.bounds, topics) };
  }

  private withProgress(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    const reached = `${this.redriven} of ${this.planned.total} were redriven, perhaps the batch under way too`;
    return new Error(`${message}. ${reached}: run it again to go on, nothing is redriven twice`, { cause: error });
  }

  private async *letters(): AsyncGenerator<DeadLetter> {
    const { records, topics, signal } = this.deps;
    for await (const record of records.read(this.bounds, signal)) yield readDeadLetter(record, topics);
  }

  private get limit(): number {
    return this.request.limit ?? Infinity;
  }
}

async function readMarks(
  redriver: Redriver,
  bounds: readonly PartitionBounds[],
  topics: Topics,
): Promise<RedriveMarks> {
  const pages = new Set(bounds.flatMap(pagesOf));
  const marks = new RedriveMarks(await redriver.marks([...pages]));
  refuseForeignMarks(marks, bounds, topics);
  return marks;
}

function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));
}

function pagesOf({ first, end }: PartitionBounds): number[] {
  if (end <= first) return [];
  return Array.from({ length: pageOf(end - 1) - pageOf(first) + 1 }, (_, at) => pageOf(first) + at);
}

/** Marks beyond a partition's end are of letters that are lost. With them, the next letters there would be skipped. */
function refuseForeignMarks(marks: RedriveMarks, bounds: readonly PartitionBounds[], topics: Topics): void {
  const highest = marks.highest();
  for (const { partition, end } of bounds) {
    if ((highest.get(partition) ?? -1) < end) continue;
    throw new Error(
      `${topics.deadLetters}/${partition} ends before what is marked as redriven: its log was cut. ` +
        `Delete the consumer groups <KAFKA_GROUP_ID>.${topics.deadLetters}.redrive.*, then nothing counts as redriven`,
    );
  }
}

function sizeOf({ key, value, headers }: Publication): number {
  const valueBytes = value === null ? 0 : Buffer.byteLength(value);
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + valueBytes + headerBytes(headers);
}
