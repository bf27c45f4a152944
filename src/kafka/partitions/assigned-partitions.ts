import type { KafkaConfig } from '../../config/config';
import { type Clock, sleep } from '../../dispatch/clock';
import type { Job } from '../../dispatch/job';
import type { JobSource } from '../../dispatch/job-source';
import type { PartitionQueues } from '../../dispatch/schedule/queues';
import type { PartitionGauges, Telemetry } from '../../observability/telemetry';
import { type AcceptRecord, AssignedPartition } from './assigned-partition';
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

/** Between two looks at what is not committed yet, while the consumer ends. */
const FLUSH_POLL_MS = 20;

/** How a group refuses commits while it rebalances, as each replica that starts makes it do. Afterwards it takes them. */
const REBALANCING: ReadonlySet<string> = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

/** What a consumer hands its records to. */
export interface RecordSink {
  openPartition(): PartitionQueues<Job>;
  /** Takes over a record: from here on it is on its way to an outcome. Never throws. */
  accept(...record: Parameters<AcceptRecord>): void;
  /** A batch has been accepted. */
  accepted(): void;
  /** The partition is somebody else's: nothing of it may be sent any more. */
  discard(source: JobSource): void;
}

/** What the partitions of a consumer need beside its place in the group. */
export interface PartitionDeps {
  readonly clock: Clock;
  readonly reader: GroupReader;
  readonly config: Pick<KafkaConfig, 'commitIntervalMs' | 'maxUnrecorded' | 'sessionTimeoutMs'>;
  /** Deadline of one call to the API: the longest that a lost partition's calls are still on the wire. */
  readonly callTimeoutMs: number;
  readonly budget: IntakeBudget;
  readonly sink: RecordSink;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

type Commit = (offsets: OffsetsToCommit) => Promise<void>;

/** The consumer's place in its group, as it is now. */
export interface Place {
  /** null while it is in no group, and so can neither pause nor resume. */
  readonly client: () => Pick<GroupClient, 'pause' | 'resume'> | null;
  /** Sends one commit in the current generation, without retries; null while the consumer is in no group. */
  readonly currentCommit: () => Commit | null;
  /** Commits as long as there is any way, and until the signal aborts: then it rejects, and nothing is sent any more. */
  readonly commit: (offsets: OffsetsToCommit, signal: AbortSignal) => Promise<void>;
  /** Whether the group surely takes this member for alive. */
  readonly isAlive: () => boolean;
}

/**
 * The partitions that one consumer has, from one assignment to the next: those that stay keep their ledgers, those that are
 * lost stop at once and are released, those that come are claimed before anything of them is sent. What is settled is
 * committed.
 */
export class AssignedPartitions {
  /** By `partitionKey`. */
  private readonly partitions = new Map<string, AssignedPartition>();
  private readonly pauses: PartitionPauses;
  private readonly committer: Committer;
  private readonly commitFault: RecurringFault;
  private readonly handover: Handover;
  private isHalted = false;
  /** Ends the claims of the last assignment. */
  private claims = new AbortController();
  private claiming: Promise<void> = Promise.resolve();
  /** Lost partitions on their way to be released. */
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

  /** Those of which something may be sent. */
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

  /** Nothing more is read while halted; what is in hand stays. */
  halt(isHalted: boolean): void {
    this.isHalted = isHalted;
    this.pauses.align();
  }

  /** Reading of a partition starts anew at the earliest record, since where it was to go on is gone. */
  reset(topic: string, partition: number): void {
    this.partitions.get(partitionKey(topic, partition))?.reset();
  }

  /**
   * The group has rebalanced, and this is what the member has now.
   *
   * @param isAnother it came in under another id: others had its partitions meanwhile, and what they have done there is read
   *   before going on
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
    // A release that meets the next rebalance is begun anew by that.
    for (const source of lost) this.release(memberId, source);
  }

  /** Takes in what a fetch has brought. */
  async take({ batch, resolveOffset }: FetchedBatch): Promise<void> {
    const source = this.partitions.get(partitionKey(batch.topic, batch.partition));
    if (source === undefined || !source.isOwned) return;
    const { sink, telemetry } = this.deps;
    await takeInTurns(source, batch.messages, (messages) => {
      if (this.isHalted) return false;
      const last = source.take(messages, batch.highWatermark, (...record) => sink.accept(...record));
      if (last !== null) resolveOffset(last);
      telemetry.read(batch.topic, messages.length);
      this.pauses.align();
      sink.accepted();
      return last === messages.at(-1)?.offset;
    });
  }

  /** The consumer is out of its group: all may be somebody else's by now. */
  loseAll(): void {
    this.pauses.clear();
    for (const source of this.partitions.values()) this.lose(source);
  }

  /**
   * Commits everything that is settled, and releases what was lost. A commit may be refused while the group rebalances, which
   * it does as soon as another replica leaves: what is not committed then would be sent again by the next owner. Gives up after
   * a session timeout, since a group that has not answered for so long has forgotten this member.
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

  /** Commits and claims nothing more. What is not settled is read again by the next owner. */
  async stop(): Promise<void> {
    this.committer.stop();
    this.claims.abort();
    this.loseAll();
    // They use the connection of others, which is closed next.
    await Promise.all([this.claiming, ...this.releases]);
  }

  /** Whether whoever comes next finds everything that is settled here in the group's commits. */
  private isCommitted(): boolean {
    const kept = [...this.partitions.values()].filter((source) => !source.isLost);
    return this.releases.size === 0 && kept.every((source) => source.ledger.nextCommit() === null);
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
