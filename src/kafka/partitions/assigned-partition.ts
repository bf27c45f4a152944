import type { IncomingRecord } from '../../contract/record';
import { headerBytes, type Headers } from '../../contract/headers';
import type { Clock } from '../../dispatch/clock';
import type { Job } from '../../dispatch/job';
import type { JobSource, UnrecordedCount } from '../../dispatch/job-source';
import { PartitionLedger } from '../../offsets/partition-ledger';
import type { PartitionQueues } from '../../dispatch/schedule/queues';
import type { UnreadableBatch } from '../batches/pieces';
import { type FetchedRecord, NO_HEADERS } from '../batches/records';
import { BatchFault } from './batch-fault';
import { type Committed, partitionKey } from './committed-offsets';
import type { Holding, IntakeBudget } from './intake-budget';
import { type CommitMark, Uncommitted } from './uncommitted';

/** Takes a record over: from now on it is on its way to an outcome. Never throws. */
export type AcceptRecord = (record: IncomingRecord, value: Buffer | null, source: JobSource) => void;

/**
 * Takes over a batch that cannot be read, as one record of its bytes. `done` is called once its outcome is
 * acknowledged.
 */
export type AcceptUnreadable = (record: IncomingRecord, batch: UnreadableBatch, done: () => void) => void;

/** When a record may be sent, in milliseconds since the epoch. Null: at once. */
export type DueAt = (record: Pick<FetchedRecord, 'headers'>) => number | null;

/** What a partition needs from its consumer. */
interface Deps {
  readonly clock: Clock;
  readonly budget: IntakeBudget;
  /** Called if the partition may have something to commit, or may want to be paused or resumed. */
  readonly changed: (partition: AssignedPartition) => void;
  readonly isConsumerAlive: () => boolean;
  readonly due: DueAt;
}

/** Memory that a command takes beside its own bytes: parsed command, queue entries, ledger entry. Measured. */
const OVERHEAD_BYTES = 600;

/**
 * One partition of a command topic, from its assignment to this replica to its loss. It hands its records to dispatch,
 * counts its commands in memory, and knows which offsets may be committed.
 *
 *     opening (its commits are read) → open (records are taken) → lost (nothing is sent; calls on the wire settle)
 *     lost → opening (assigned again)
 */
export class AssignedPartition implements JobSource {
  private state: 'opening' | 'open' | 'lost' = 'opening';
  private readonly holding: Holding = { commands: 0, bytes: 0 };
  private currentLedger = new PartitionLedger(null);
  private readonly uncommitted = new Uncommitted();
  /** The offset that was left because it is too far beyond the first open one; null if none was. */
  private leftAt: number | null = null;
  /** The member tag under which the partition was last claimed; null before the first claim. */
  private tag: string | null = null;
  private highWatermark: number | null = null;
  private position: number | null = null;
  /** When the first offset became done that is not committed yet; null if all are committed. */
  private uncommittedSinceMs: number | null = null;
  private readonly fault = new BatchFault();
  /** When the next record may be sent, or is read again, by the wall clock; null if that is now, or not known. */
  private dueAtMs: number | null = null;

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly queues: PartitionQueues<Job>,
    private readonly deps: Deps,
  ) {}

  /** Unique among the partitions of all topics. */
  get key(): string {
    return partitionKey(this.topic, this.partition);
  }

  get isOwned(): boolean {
    return this.state === 'open';
  }

  get maySend(): boolean {
    return this.isOwned && this.deps.isConsumerAlive();
  }

  get ownerTag(): string | null {
    return this.tag;
  }

  /** None of its commands is in memory: no call is on the wire, and no outcome waits to be written. */
  get isQuiet(): boolean {
    return this.holding.commands === 0;
  }

  get isLost(): boolean {
    return this.state === 'lost';
  }

  get isOpening(): boolean {
    return this.state === 'opening';
  }

  get ledger(): PartitionLedger {
    return this.currentLedger;
  }

  /** How many records are not done yet, by the last fetch; null before the first fetch. */
  get lag(): number | null {
    if (this.highWatermark === null || this.position === null) return null;
    return Math.max(0, this.highWatermark - this.position) + this.holding.commands;
  }

  /** How long until the next record is due. 0 if it is due, or if it is not known. */
  untilDueMs(nowMs: number): number {
    return this.dueAtMs === null ? 0 : Math.max(0, this.dueAtMs - nowMs);
  }

  /** Whether so much is done beyond the first command that is not that no more fits the commit's metadata. */
  get isHeldBack(): boolean {
    return this.leftAt !== null && this.ledger.isFar(this.leftAt);
  }

  /**
   * Whether reading must pause: the partition is not open, its next record is not due, or it has enough commands in
   * memory. A paused partition goes on once it has half as many.
   */
  wantsPause(isPaused: boolean): boolean {
    if (this.state !== 'open') return true;
    if (this.isHeldBack || this.untilDueMs(this.deps.clock.wallMs()) > 0) return true;
    const { budget } = this.deps;
    return isPaused ? !budget.isLow(this.holding) : budget.isOver(this.holding);
  }

  /**
   * Opens the partition: records are taken from the committed offset on, and done offsets that are known are skipped.
   */
  open({ offset, done }: Pick<Committed, 'offset' | 'done'>, tag: string): void {
    this.dueAtMs = null;
    this.currentLedger = this.currentLedger.successor(offset, done);
    this.leftAt = null;
    this.tag = tag;
    this.state = 'open';
    this.uncommitted.open(this.currentLedger.nextCommit() === null);
    this.deps.changed(this);
  }

  /**
   * The log has no longer the next record (retention), or is another log (the topic was deleted and created). The known
   * offsets may belong to other records, so all of them are forgotten. Calls on the wire settle without a trace in the
   * ledger.
   */
  reset(): void {
    this.currentLedger = new PartitionLedger(null);
    this.uncommitted.committed(this.uncommitted.mark());
  }

  /** The partition belongs to another replica, or it is not known to whom. */
  lose(): void {
    this.state = 'lost';
    this.uncommitted.lose();
  }

  /** The partition is assigned again after it was lost. */
  reopen(): void {
    this.state = 'opening';
  }

  /** A fetch has come. */
  fetched(highWatermark: number): void {
    this.highWatermark = highWatermark;
    this.dueAtMs = null;
  }

  /** Takes records in offset order. Returns the offset of the last one that was taken; null if none was. */
  take(records: readonly FetchedRecord[], accept: AcceptRecord): number | null {
    let last: number | null = null;
    const nowMs = this.deps.clock.wallMs();
    for (const record of records) {
      const dueAtMs = this.deps.due(record);
      if (dueAtMs !== null && dueAtMs > nowMs) {
        this.dueAtMs = dueAtMs;
        break;
      }
      const { offset } = record;
      const taken = this.ledger.take(offset);
      if (taken === 'full') {
        this.leftAt = offset;
        break;
      }
      last = offset;
      this.position = offset + 1;
      if (taken === 'new') this.hand(record, accept);
    }
    return last;
  }

  /** There is nothing more to be read before `next`. */
  pass(next: number): void {
    this.position = Math.max(this.position ?? 0, next);
    this.ledger.pass(next);
    this.deps.changed(this);
  }

  /**
   * Takes a batch that cannot be read as one record, once it is sure that it never can be. Returns whether reading goes
   * on behind it; else it is to be fetched again.
   */
  takeUnreadable(batch: UnreadableBatch, accept: AcceptUnreadable): boolean {
    const { clock, budget } = this.deps;
    const { firstOffset, lastOffset, bytes, timestampMs } = batch;
    if (batch.mayRecover) {
      const waitMs = this.fault.seen(firstOffset, clock.monotonicMs());
      if (waitMs > 0) {
        this.dueAtMs = clock.wallMs() + waitMs;
        return false;
      }
    }
    const offset = Math.max(firstOffset, this.ledger.firstOpen ?? firstOffset);
    const taken = this.ledger.take(offset);
    if (taken === 'full') {
      this.leftAt = offset;
      return false;
    }
    if (taken === 'new') {
      const { topic, partition, holding } = this;
      const record: IncomingRecord = {
        topic,
        partition,
        offset: firstOffset,
        timestampMs,
        key: `${topic}/${partition}/${firstOffset}`,
        value: bytes.toString('latin1'),
        headers: NO_HEADERS,
      };
      budget.add(holding, bytesOf(record));
      accept(record, batch, () => this.settled({ ...record, offset }, null));
    }
    this.pass(lastOffset + 1);
    return true;
  }

  settled(record: IncomingRecord, unrecorded: UnrecordedCount | null): void {
    this.deps.budget.remove(this.holding, bytesOf(record));
    this.ledger.settle(record.offset);
    this.uncommitted.settle(unrecorded);
    this.uncommittedSinceMs ??= this.deps.clock.monotonicMs();
    this.deps.changed(this);
  }

  forgotten(record: IncomingRecord): void {
    this.deps.budget.remove(this.holding, bytesOf(record));
    this.ledger.forget(record.offset);
  }

  /** What a commit that is made now covers. */
  commitMark(): CommitMark {
    return this.uncommitted.mark();
  }

  /** A commit is acknowledged: that of this mark. */
  committed(nowMs: number, mark: CommitMark): void {
    this.uncommitted.committed(mark);
    this.uncommittedSinceMs = this.ledger.nextCommit() === null ? null : nowMs;
  }

  commitAgeMs(nowMs: number): number {
    return this.uncommittedSinceMs === null ? 0 : nowMs - this.uncommittedSinceMs;
  }

  private hand({ offset, timestampMs, key, value, headers }: FetchedRecord, accept: AcceptRecord): void {
    const { topic, partition } = this;
    const record: IncomingRecord = {
      topic,
      partition,
      offset,
      timestampMs,
      key: key === null ? null : key.toString('latin1'),
      value: value === null ? null : value.toString('latin1'),
      headers: copyHeaders(headers),
    };
    this.deps.budget.add(this.holding, bytesOf(record));
    accept(record, value, this);
  }
}

function bytesOf(record: IncomingRecord): number {
  const headers = record.headers === NO_HEADERS ? 0 : headerBytes(record.headers);
  return OVERHEAD_BYTES + (record.value?.length ?? 0) + (record.key?.length ?? 0) + headers;
}

/** Copies header values: they are views of the fetch buffer, and would keep all of it in memory. */
function copyHeaders(headers: Headers): Headers {
  let copy: Headers | null = null;
  for (const name in headers) {
    const value = headers[name];
    copy ??= Object.create(null) as Headers;
    copy[name] = Array.isArray(value) ? value.map((item) => Buffer.from(item)) : value && Buffer.from(value);
  }
  return copy ?? NO_HEADERS;
}
