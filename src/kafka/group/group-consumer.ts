import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { PartitionGauges } from '../../observability/telemetry';
import { AssignedPartitions, type PartitionDeps } from '../partitions/assigned-partitions';
import type { OffsetsToCommit } from '../partitions/committer';
import { describe } from '../client/errors';
import { HeartbeatInterval } from './heartbeat-interval';
import { Membership } from './membership';
import { newConsumer } from './new-consumer';
import type { Reading } from './readings';
import { RestartBudget } from './restart-budget';
import { stickyAssigner } from './sticky-assigner';

/** How soon a member hears that another one is gone depends on it; a consumer with nothing to read sends fewer. */
const HEARTBEATS_PER_SESSION = 20;
const RESTART_AFTER_MS = 1_000;

interface Deps extends PartitionDeps {
  readonly kafka: Kafka;
  /** The consumer crashed more often than it may. */
  readonly onDead: (name: string) => void;
}

/**
 * One consumer group's member: of one command topic, or of a channel's retry topics. Handlers take records in and return;
 * everything slow happens elsewhere, so heartbeats and fetches never wait. A crash makes a new kafkajs consumer, within a budget.
 *
 *     stopped → start → joining → joined ⇄ out (rebalancing, crashed, restarting) → stop → stopped
 */
export class GroupConsumer {
  private readonly partitions: AssignedPartitions;
  private readonly restarts: RestartBudget;
  private readonly membership: Membership;
  private consumer: Consumer | null = null;
  private commitNow: ((offsets: OffsetsToCommit) => Promise<void>) | null = null;
  private restartTimer: NodeJS.Timeout | null = null;
  private isStopped = true;
  /** Whether kafkajs has joined and so can pause and resume. */
  private isJoined = false;

  constructor(
    private readonly reading: Reading,
    private readonly deps: Deps,
  ) {
    this.restarts = new RestartBudget(deps.config.maxConsumerRestarts);
    this.membership = new Membership(deps.config.sessionTimeoutMs);
    this.partitions = new AssignedPartitions(reading, deps, {
      consumer: () => (this.isJoined ? this.consumer : null),
      currentCommit: () => this.commitNow,
      commit: (offsets) => this.commit(offsets),
      isAlive: () => this.membership.isAlive(performance.now()),
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

  gauges(nowMs: number): Iterable<PartitionGauges> {
    return this.partitions.gauges(nowMs);
  }

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    void this.launch();
  }

  /** Nothing more is read while halted; what is in hand stays. */
  halt(isHalted: boolean): void {
    this.partitions.halt(isHalted);
  }

  /** Reading of a partition starts anew at the earliest record, since where it was to go on is gone. */
  reset(topic: string, partition: number): void {
    this.partitions.reset(topic, partition);
  }

  /** Commits everything that is settled, and releases what was lost; gives up after a session timeout. */
  flush(): Promise<void> {
    return this.partitions.flush();
  }

  /** Leaves the group. What is not settled is read again by the next owner. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    if (this.restartTimer !== null) clearTimeout(this.restartTimer);
    const { consumer } = this;
    this.leave();
    await this.partitions.stop();
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
      fetchWaitMs: this.partitions.fetchWaitMs,
      assigner: stickyAssigner(topics, () => this.partitions.owned),
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
    this.deps.log('warn', 'consumer crashed', { consumer: this.name, error: describe(error) });
    this.membership.left(performance.now());
    this.leave();
    this.partitions.loseAll();
    void consumer.disconnect().catch(() => undefined);
    if (!this.restarts.take(performance.now())) {
      this.deps.onDead(this.name);
      return;
    }
    this.restartTimer = setTimeout(() => void this.launch(), RESTART_AFTER_MS);
  }

  private joined(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    const isAnother = this.membership.joined(memberId, performance.now());
    this.isJoined = true;
    this.partitions.assigned(memberId, assignment, isAnother);
  }

  private take(payload: EachBatchPayload): Promise<void> {
    this.commitNow = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    return this.partitions.take(payload);
  }

  private leave(): void {
    this.consumer = null;
    this.commitNow = null;
    this.isJoined = false;
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
}
