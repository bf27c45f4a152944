import type { KafkaConfig } from '../../config/config';
import { type Clock, sleep } from '../../dispatch/clock';
import type { Job } from '../../dispatch/job';
import type { JobSource } from '../../dispatch/job-source';
import type { PartitionQueues } from '../../dispatch/schedule/queues';
import type { PartitionGauges, Telemetry } from '../../observability/telemetry';
import { type AcceptRecord, type AcceptUnreadable, AssignedPartition } from './assigned-partition';
import type { Piece } from '../batches/pieces';
import { takeInTurns } from './batch-intake';
import { partitionKey } from './committed-offsets';
import { Committer, type OffsetsToCommit } from './committer';
import { describe, isOfType } from '../client/errors';
import { RecurringFault } from '../client/recurring-fault';
import type { Assignment, FetchedBatch, GroupClient } from '../group/group-client';
import type { GroupReader } from './group-reader';
import { Handover } from './handover';
import type { IntakeBudget } from './intake-budget';
import type { Log } from '../../observability/log';
import { PartitionPauses } from './partition-pauses';
import type { Reading } from '../group/readings';
import type { TopicPartition } from './topic-partition';

/** While a consumer ends: how often it looks whether everything is committed. */
const FLUSH_POLL_MS = 20;
/** How many records a fetch may bring beyond what a partition may hold: a batch may have millions. */
const MAX_BEYOND_PAUSE = 1_000;

/**
 * How a group refuses commits while it rebalances, as each replica that starts makes it do. Afterwards it takes them.
 */
const REBALANCING: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** Receives a consumer's records. */
export interface RecordSink {
  openPartition(): PartitionQueues<Job>;
  /** Takes a record over: from now on it is on its way to an outcome. Never throws. */
  accept(...record: Parameters<AcceptRecord>): void;
  /** Takes over a batch that cannot be read. Never throws. */
  acceptUnreadable(...batch: Parameters<AcceptUnreadable>): void;
  /** A batch has been accepted. */
  accepted(): void;
  /** The partition is no longer this replica's: nothing of it may be sent any more. */
  discard(source: JobSource): void;
}

/** What the partitions of a consumer need, apart from its membership in the group. */
export interface PartitionDeps {
  readonly clock: Clock;
  readonly reader: GroupReader;
  readonly config: Pick<KafkaConfig, 'commitIntervalMs' | 'maxUnrecorded' | 'sessionTimeoutMs'>;
  /** Deadline of one call to the API. The calls of a lost partition are on the wire for no longer. */
  readonly callTimeoutMs: number;
  readonly budget: IntakeBudget;
  readonly sink: RecordSink;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

type Commit = (offsets: OffsetsToCommit) => Promise<void>;

/** The consumer's membership in its group, as it is now. */
export interface Place {
  /** Null while the consumer is in no group: it can then neither pause nor resume. */
  readonly client: () => Pick<GroupClient, 'pause' | 'resume'> | null;
  /** Sends one commit in the current generation, without retries. Null while the consumer is in no group. */
  readonly currentCommit: () => Commit | null;
  /**
   * Commits in the current generation. Rejects if the signal aborts before the commit is sent: then it is never sent.
   */
  readonly commit: (offsets: OffsetsToCommit, signal: AbortSignal) => Promise<void>;
  /** Whether it is certain that the group takes this member for alive. */
  readonly isAlive: () => boolean;
}

/**
 * The partitions of one consumer, across all its assignments. A partition that stays keeps its ledger. A lost one stops
 * at once and is released. A new one is claimed before any of its commands is sent. Settled commands are committed.
 */
export class AssignedPartitions {
  /** By `partitionKey`. */
  private readonly partitions = new Map<string, AssignedPartition>();
  private readonly pauses: PartitionPauses;
  private readonly committer: Committer;
  private readonly commitFault: RecurringFault;
  private readonly handover: Handover;
  private isHalted = false;
  /** Aborts the claims and releases of the last assignment. */
  private claims = new AbortController();
  private claiming: Promise<void> = Promise.resolve();
  /** Releases of lost partitions that are under way. */
  private readonly releases = new Set<Promise<void>>();

  constructor(
    private readonly reading: Reading,
    private readonly deps: PartitionDeps,
    private readonly place: Place,
  ) {
    const { callTimeoutMs, clock, config, log, reader, telemetry } = deps;
    const { groupId, name, topics } = reading;
    this.pauses = new PartitionPauses({
      clock,
      sources: () => this.partitions.values(),
      wantsPause: (source, isPaused) => this.wantsPause(source, isPaused),
      client: place.client,
    });
    this.commitFault = new RecurringFault(() => clock.monotonicMs());
    this.committer = new Committer({
      clock,
      currentCommit: place.currentCommit,
      intervalMs: config.commitIntervalMs,
      // Results gather up to half of what may be unrecorded: together they stay below it.
      atOnce: Math.ceil(config.maxUnrecorded / 4),
      onCommitted: (durationMs) => {
        telemetry.committed(name, durationMs);
        if (this.commitFault.ended()) log('info', 'commits go through again', { consumer: name });
      },
      onFailed: (error) => this.commitFailed(error),
    });
    this.handover = new Handover({ clock, reader, groupId, topics, callTimeoutMs, commit: place.commit, log });
  }

  /** For kafkajs' `maxWaitTimeInMs`. */
  get fetchWaitMs(): number {
    return this.pauses.fetchWaitMs;
  }

  /** The open partitions: their commands may be sent. */
  get owned(): AssignedPartition[] {
    return [...this.partitions.values()].filter((source) => source.isOwned);
  }

  *gauges(nowMs: number): Iterable<PartitionGauges> {
    for (const source of this.owned) {
      const { topic, partition, lag } = source;
      yield {
        topic,
        partition,
        lag,
        paused: this.pauses.has(source),
        heldBack: source.isHeldBack,
        commitAgeMs: source.commitAgeMs(nowMs),
      };
    }
  }

  /** Nothing more is read while halted. Commands in memory stay there. */
  halt(isHalted: boolean): void {
    this.isHalted = isHalted;
    this.pauses.align();
  }

  /** A partition is read from its earliest record again, since the offset that was next is gone. */
  reset(topic: string, partition: number): void {
    this.partitions.get(partitionKey(topic, partition))?.reset();
  }

  /**
   * The group has rebalanced, and `assignment` is the member's part now.
   *
   * @param isAnother the member has another id than before. Others may have had its partitions meanwhile, so all of
   *   them are opened again from the group's commits
   */
  assigned(memberId: string, assignment: Assignment, isAnother: boolean): void {
    const assigned = this.reading.topics.flatMap((topic) =>
      (assignment[topic] ?? []).map((partition) => ({ topic, partition })),
    );
    const keys = new Set(assigned.map(({ topic, partition }) => partitionKey(topic, partition)));
    if (isAnother) for (const source of this.partitions.values()) this.lose(source);
    this.claims.abort();
    this.claims = new AbortController();
    const lost = [...this.partitions.values()].filter(({ key }) => !keys.has(key));
    for (const source of lost) this.lose(source);
    for (const each of assigned) this.assign(each);
    this.pauses.align();
    this.claiming = this.handover.claim(memberId, () => this.opening(), this.claims.signal);
    // If the group rebalances again during a release, that rebalance begins the release again.
    for (const source of lost) this.release(memberId, source);
  }

  /** Takes in the records of a fetch. */
  async take(batch: FetchedBatch): Promise<void> {
    const source = this.partitions.get(partitionKey(batch.topic, batch.partition));
    if (source === undefined || !source.isOwned) return;
    const { sink, telemetry } = this.deps;
    let beyondPause = 0;
    source.fetched(batch.highWatermark);
    await takeInTurns(
      source,
      batch.pieces(),
      (piece) => !this.isHalted && this.takePiece(source, batch, piece),
      (records) => {
        telemetry.read(batch.topic, records);
        this.pauses.align();
        if (records > 0) sink.accepted();
        if (this.pauses.has(source)) beyondPause += records;
        return beyondPause < MAX_BEYOND_PAUSE;
      },
    );
  }

  /** The consumer is out of its group: all its partitions may be another replica's now. */
  loseAll(): void {
    this.pauses.clear();
    for (const source of this.partitions.values()) this.lose(source);
  }

  /**
   * Commits everything that is settled, and releases lost partitions.
   *
   * The group refuses commits while it rebalances, and it does so as soon as another replica leaves. The next owner
   * would send again whatever is not committed, so this repeats commits. It gives up after a session timeout: if the
   * group has not answered for so long, it has forgotten this member.
   */
  async flush(): Promise<void> {
    const { clock, config } = this.deps;
    const giveUpMs = clock.monotonicMs() + config.sessionTimeoutMs;
    for (;;) {
      await this.committer.flush();
      if (this.isCommitted() || clock.monotonicMs() >= giveUpMs) return;
      await sleep(clock, FLUSH_POLL_MS);
    }
  }

  /** Commits and claims nothing more. Commands that are not settled are read again by the next owner. */
  async stop(): Promise<void> {
    this.committer.stop();
    this.claims.abort();
    this.loseAll();
    // Claims and releases use a connection that they share, and that is closed next.
    await Promise.all([this.claiming, ...this.releases]);
  }

  /** Whether the group's commits have everything that is settled here, so that the next owner finds it. */
  private isCommitted(): boolean {
    const kept = [...this.partitions.values()].filter((source) => !source.isLost);
    return this.releases.size === 0 && kept.every((source) => source.ledger.nextCommit() === null);
  }

  /** Whether the next piece is to follow. */
  private takePiece(source: AssignedPartition, { resolveOffset }: FetchedBatch, piece: Piece): boolean {
    const { sink } = this.deps;
    switch (piece.kind) {
      case 'records': {
        const last = source.take(piece.records, (...record) => sink.accept(...record));
        if (last !== null) resolveOffset(String(last));
        return last === piece.records.at(-1)?.offset;
      }
      case 'passed':
        source.pass(piece.next);
        resolveOffset(String(piece.next - 1));
        return true;
      case 'unreadable': {
        const { batch } = piece;
        if (!source.takeUnreadable(batch, (...taken) => sink.acceptUnreadable(...taken))) return false;
        resolveOffset(String(batch.lastOffset));
        return true;
      }
    }
  }

  private assign({ topic, partition }: TopicPartition): void {
    const key = partitionKey(topic, partition);
    const known = this.partitions.get(key);
    if (known === undefined) this.partitions.set(key, this.newPartition(topic, partition));
    else if (!known.isOwned) known.reopen();
  }

  private newPartition(topic: string, partition: number): AssignedPartition {
    const { sink, budget, clock } = this.deps;
    return new AssignedPartition(topic, partition, sink.openPartition(), {
      clock,
      budget,
      changed: (source) => this.changed(source),
      isConsumerAlive: this.place.isAlive,
      due: this.reading.due,
    });
  }

  private lose(source: AssignedPartition): void {
    source.lose();
    this.pauses.drop(source);
    this.deps.sink.discard(source);
  }

  private release(memberId: string, source: AssignedPartition): void {
    const release = this.handover
      .release(memberId, source, this.claims.signal)
      .finally(() => void this.releases.delete(release));
    this.releases.add(release);
  }

  private commitFailed(error: unknown): void {
    const level = isOfType(error, REBALANCING) ? 'debug' : 'warn';
    if (level === 'warn' && !this.commitFault.happened()) return;
    const fields = { consumer: this.reading.name, error: describe(error) };
    this.deps.log(level, 'a commit failed: until one succeeds, a crash repeats what has ended since', fields);
  }

  private changed(source: AssignedPartition): void {
    if (!source.isOwned) return;
    this.committer.touch(source);
    if (this.pauses.has(source) && !this.wantsPause(source, true)) this.pauses.align();
  }

  private wantsPause(source: AssignedPartition, isPaused: boolean): boolean {
    return this.isHalted || source.wantsPause(isPaused);
  }

  private opening(): AssignedPartition[] {
    return [...this.partitions.values()].filter((source) => source.isOpening);
  }
}
