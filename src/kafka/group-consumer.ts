import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { KafkaConfig } from '../config/config';
import type { JobSource } from '../dispatch/job-source';
import type { PartitionQueues } from '../dispatch/queues';
import type { Job } from '../dispatch/job';
import type { PartitionGauges, Telemetry } from '../observability/telemetry';
import { type AcceptRecord, AssignedPartition, type DueAt } from './assigned-partition';
import { takeInTurns } from './batch-intake';
import { partitionKey } from './committed-offsets';
import { Committer, type OffsetsToCommit } from './committer';
import { nameOf } from './errors';
import { Handover } from './handover';
import { HeartbeatInterval } from './heartbeat-interval';
import type { IntakeBudget } from './intake-budget';
import type { KafkaLog } from './kafka-client';
import { Membership } from './membership';
import { newConsumer } from './new-consumer';
import { PartitionPauses } from './partition-pauses';
import { RestartBudget } from './restart-budget';
import { stickyAssigner, type TopicPartition } from './sticky-assigner';

/** How soon a member hears that another one is gone depends on it; a consumer with nothing to read sends fewer. */
const HEARTBEATS_PER_SESSION = 20;
const RESTART_AFTER_MS = 1_000;
/** Between two looks at what is not committed yet, while the consumer ends. */
const FLUSH_POLL_MS = 20;

/** What a consumer hands its records to. */
export interface RecordSink {
  openPartition(): PartitionQueues<Job>;
  readonly accept: AcceptRecord;
  /** A batch has been accepted. */
  accepted(): void;
  /** The partition is somebody else's: nothing of it may be sent any more. */
  discard(source: JobSource): void;
}

/** What a consumer reads. */
export interface Reading {
  /** What operators know it by. */
  readonly name: string;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** From when on a record may be sent. Due times rise within a partition. */
  readonly due: DueAt;
}

interface Deps {
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly config: KafkaConfig;
  /** Deadline of one call to the API: the longest that a lost partition's calls are still on the wire. */
  readonly callTimeoutMs: number;
  readonly budget: IntakeBudget;
  readonly sink: RecordSink;
  readonly telemetry: Telemetry;
  readonly log: KafkaLog;
  /** The consumer crashed more often than it may. */
  readonly onDead: (name: string) => void;
}

/**
 * One consumer group's member, with the partitions that it has: of one command topic, or of a channel's retry topics. Handlers
 * take records in and return; everything slow happens elsewhere, so heartbeats and fetches never wait. A crash makes a new kafkajs
 * consumer, within a budget.
 *
 *     stopped → start → joining → joined ⇄ out (rebalancing, crashed, restarting) → stop → stopped
 */
export class GroupConsumer {
  /** By `partitionKey`. */
  private readonly partitions = new Map<string, AssignedPartition>();
  private readonly pauses: PartitionPauses;
  private readonly restarts: RestartBudget;
  private readonly committer: Committer;
  private readonly handover: Handover;
  private consumer: Consumer | null = null;
  private commitNow: ((offsets: OffsetsToCommit) => Promise<void>) | null = null;
  private restartTimer: NodeJS.Timeout | null = null;
  private isHalted = false;
  private isStopped = true;
  /** Whether kafkajs has joined and so can pause and resume. */
  private isJoined = false;
  /** Ends the claims of the last assignment. */
  private claims = new AbortController();
  private claiming: Promise<void> = Promise.resolve();
  /** Lost partitions on their way to be released. */
  private readonly releases = new Set<Promise<void>>();
  private readonly membership: Membership;

  constructor(
    private readonly reading: Reading,
    private readonly deps: Deps,
  ) {
    this.restarts = new RestartBudget(deps.config.maxConsumerRestarts);
    this.membership = new Membership(deps.config.sessionTimeoutMs);
    this.pauses = new PartitionPauses({
      sources: () => this.partitions.values(),
      wantsPause: (source, isPaused) => this.wantsPause(source, isPaused),
      consumer: () => (this.isJoined ? this.consumer : null),
    });
    this.committer = new Committer({
      currentCommit: () => this.commitNow,
      intervalMs: deps.config.commitIntervalMs,
      onCommitted: (durationMs) => deps.telemetry.committed(reading.name, durationMs),
      onFailed: (error) =>
        deps.log('debug', 'commit failed, to be repeated', { consumer: reading.name, error: nameOf(error) }),
    });
    const { admin, callTimeoutMs, log } = deps;
    const commit = (offsets: OffsetsToCommit): Promise<void> => this.commit(offsets);
    this.handover = new Handover({
      admin,
      groupId: reading.groupId,
      topics: reading.topics,
      callTimeoutMs,
      commit,
      log,
    });
  }

  get name(): string {
    return this.reading.name;
  }

  get groupId(): string {
    return this.reading.groupId;
  }

  get hasJoined(): boolean {
    return this.membership.hasJoined;
  }

  /** For how long the consumer has been out of its group; 0 while it is in it, or has never been. */
  outForMs(nowMs: number): number {
    return this.membership.outForMs(nowMs);
  }

  *gauges(nowMs: number): Iterable<PartitionGauges> {
    for (const source of this.partitions.values()) {
      if (!source.isOwned) continue;
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

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    void this.launch();
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
   * Commits everything that is settled, and releases what was lost. A commit may be refused while the group rebalances, which
   * it does as soon as another replica leaves: what is not committed then would be sent again by the next owner. Gives up after
   * a session timeout, since a group that has not answered for so long has forgotten this member.
   */
  async flush(): Promise<void> {
    const giveUpMs = performance.now() + this.deps.config.sessionTimeoutMs;
    for (;;) {
      await this.committer.flush();
      if (this.isCommitted() || performance.now() >= giveUpMs) return;
      await sleep(FLUSH_POLL_MS);
    }
  }

  /** Leaves the group. What is not settled is read again by the next owner. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    if (this.restartTimer !== null) clearTimeout(this.restartTimer);
    this.committer.stop();
    this.claims.abort();
    const { consumer } = this;
    this.consumer = null;
    this.loseAll();
    // They use the connection of others, which is closed next.
    await Promise.all([this.claiming, ...this.releases]);
    await consumer?.disconnect();
  }

  private async launch(): Promise<void> {
    const { kafka, config } = this.deps;
    const topics = [...this.reading.topics];
    const heartbeat = new HeartbeatInterval(Math.floor(config.sessionTimeoutMs / HEARTBEATS_PER_SESSION));
    const consumer = newConsumer(kafka, {
      groupId: this.reading.groupId,
      sessionTimeoutMs: config.sessionTimeoutMs,
      heartbeatIntervalMs: heartbeat.asMilliseconds(),
      fetchWaitMs: this.pauses.fetchWaitMs,
      assigner: stickyAssigner(topics, () => this.owned()),
    });
    this.consumer = consumer;
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
    consumer.on(HEARTBEAT, () => this.membership.heard(heartbeat.answered()));
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.isStopped) return;
      heartbeat.joined();
      this.joined(payload.memberId, payload.memberAssignment);
    });
    consumer.on(REBALANCING, () => this.membership.left(performance.now()));
    consumer.on(CRASH, ({ payload }) => this.crashed(consumer, payload.error));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: (batch) => this.take(batch),
      });
    } catch (error) {
      this.crashed(consumer, error);
    }
  }

  private crashed(consumer: Consumer, error: unknown): void {
    if (this.isStopped || consumer !== this.consumer) return;
    this.deps.telemetry.consumerCrashed(this.name);
    this.deps.log('warn', 'consumer crashed', { consumer: this.name, error: nameOf(error) });
    this.consumer = null;
    this.membership.left(performance.now());
    this.loseAll();
    void consumer.disconnect().catch(() => undefined);
    if (!this.restarts.take(performance.now())) {
      this.deps.onDead(this.name);
      return;
    }
    this.restartTimer = setTimeout(() => void this.launch(), RESTART_AFTER_MS);
  }

  private joined(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    const assigned = this.reading.topics.flatMap((topic) =>
      (assignment[topic] ?? []).map((partition) => ({ topic, partition })),
    );
    const keys = new Set(assigned.map(({ topic, partition }) => partitionKey(topic, partition)));
    // Others had its partitions meanwhile: what they have done there is read before going on.
    if (this.membership.joined(memberId, performance.now()))
      for (const source of this.partitions.values()) this.lose(source);
    this.isJoined = true;
    this.claims.abort();
    this.claims = new AbortController();
    const lost = [...this.partitions.values()].filter(({ key }) => !keys.has(key));
    for (const source of lost) this.lose(source);
    for (const each of assigned) this.assign(each);
    this.pauses.align();
    this.claiming = this.handover.claim(memberId, () => this.opening(), this.claims.signal);
    // A release that meets the next rebalance is begun anew by that.
    for (const source of lost) this.release(source);
  }

  private release(source: AssignedPartition): void {
    const release = this.handover.release(source, this.claims.signal).finally(() => void this.releases.delete(release));
    this.releases.add(release);
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
    const { sink, budget } = this.deps;
    return new AssignedPartition(
      topic,
      partition,
      sink.openPartition(),
      budget,
      (source) => this.changed(source),
      () => this.membership.isAlive(performance.now()),
      this.reading.due,
    );
  }

  private lose(source: AssignedPartition): void {
    source.lose();
    this.pauses.drop(source);
    this.deps.sink.discard(source);
  }

  private loseAll(): void {
    this.commitNow = null;
    this.isJoined = false;
    this.pauses.clear();
    for (const source of this.partitions.values()) this.lose(source);
  }

  private async commit(offsets: OffsetsToCommit): Promise<void> {
    if (this.commitNow !== null) return this.commitNow(offsets);
    // Before the first batch there is no other way. This one may try again later, in whatever generation that is by then:
    // so what it claims is read back.
    const flat = offsets.topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, ...partition })),
    );
    await this.consumer?.commitOffsets(flat);
  }

  private owned(): AssignedPartition[] {
    return [...this.partitions.values()].filter((source) => source.isOwned);
  }

  private async take(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    this.commitNow = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const source = this.partitions.get(partitionKey(batch.topic, batch.partition));
    if (source === undefined || !source.isOwned) return;
    await takeInTurns(source, batch.messages, (messages) => {
      if (this.isHalted) return false;
      const last = source.take(messages, batch.highWatermark, this.deps.sink.accept);
      if (last !== null) payload.resolveOffset(last);
      this.deps.telemetry.read(batch.topic, messages.length);
      this.pauses.align();
      this.deps.sink.accepted();
      return last === messages.at(-1)?.offset;
    });
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
