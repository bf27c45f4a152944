import type { KafkaConfig } from '../../config/config';
import type { PartitionGauges } from '../../observability/telemetry';
import { AssignedPartitions, type PartitionDeps } from '../partitions/assigned-partitions';
import type { OffsetsToCommit } from '../partitions/committer';
import { describe } from '../client/errors';
import { FencedPartition } from './fenced-partition';
import type { Assignment, FetchedBatch, GroupClient, GroupEvents, NewGroupClient } from './group-client';
import { HeartbeatInterval } from './heartbeat-interval';
import { Membership } from './membership';
import type { Reading } from './readings';
import { RestartBudget } from './restart-budget';

/** More heartbeats mean that a member hears sooner of another one that is gone. An idle consumer sends fewer. */
const HEARTBEATS_PER_SESSION = 20;
const RESTART_AFTER_MS = 1_000;

interface Deps extends PartitionDeps {
  readonly newClient: NewGroupClient;
  readonly config: PartitionDeps['config'] & Pick<KafkaConfig, 'maxConsumerRestarts'>;
  /** Called if the consumer has crashed more often than it may. */
  readonly onDead: (name: string) => void;
}

/**
 * A member of one consumer group, for one command topic or for a channel's retry topics. Handlers take records in and
 * return. Everything slow happens elsewhere, so heartbeats and fetches never wait. After a crash there is a new client,
 * if the restart budget allows one.
 *
 *     stopped → start → joining → joined ⇄ out (rebalancing, crashed, restarting) → stop → stopped
 */
export class GroupConsumer {
  private readonly partitions: AssignedPartitions;
  private readonly restarts: RestartBudget;
  private readonly membership: Membership;
  private client: GroupClient | null = null;
  private commitNow: ((offsets: OffsetsToCommit) => Promise<void>) | null = null;
  private cancelRestart: (() => void) | null = null;
  private isStopped = true;
  /** Whether the client has joined and so can pause and resume. */
  private isJoined = false;

  constructor(
    private readonly reading: Reading,
    private readonly deps: Deps,
  ) {
    this.restarts = new RestartBudget(deps.config.maxConsumerRestarts);
    this.membership = new Membership(deps.config.sessionTimeoutMs);
    this.partitions = new AssignedPartitions(reading, deps, {
      client: () => (this.isJoined ? this.client : null),
      currentCommit: () => this.commitNow,
      commit: (offsets, signal) => this.commit(offsets, signal),
      isAlive: () => this.membership.isAlive(deps.clock.monotonicMs()),
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

  /** How long the consumer has been out of its group. 0 while it is in the group, or if it has never been. */
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

  /** Nothing more is read while halted. Commands in memory stay there. */
  halt(isHalted: boolean): void {
    this.partitions.halt(isHalted);
  }

  /** A partition is read from its earliest record again, since the offset that was next is gone. */
  reset(topic: string, partition: number): void {
    this.partitions.reset(topic, partition);
  }

  /** Commits everything that is settled, and releases lost partitions. Gives up after a session timeout. */
  flush(): Promise<void> {
    return this.partitions.flush();
  }

  /** Leaves the group. Commands that are not settled are read again by the next owner. */
  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    this.cancelRestart?.();
    const { client } = this;
    this.leave();
    await this.partitions.stop();
    await client?.disconnect();
  }

  private async launch(): Promise<void> {
    const { newClient, config, clock } = this.deps;
    const intervalMs = Math.floor(config.sessionTimeoutMs / HEARTBEATS_PER_SESSION);
    const heartbeat = new HeartbeatInterval(intervalMs, () => clock.monotonicMs());
    const client = newClient({
      groupId: this.reading.groupId,
      topics: this.reading.topics,
      sessionTimeoutMs: config.sessionTimeoutMs,
      heartbeatIntervalMs: heartbeat.asMilliseconds(),
      fetchWaitMs: this.partitions.fetchWaitMs,
      owned: () => this.partitions.owned,
      events: this.eventsOf(() => client, heartbeat),
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.crashed(client, error);
    }
  }

  private eventsOf(client: () => GroupClient, heartbeat: HeartbeatInterval): GroupEvents {
    return {
      heartbeatAnswered: () => this.membership.heard(heartbeat.answered()),
      joined: (memberId, assignment) => {
        if (this.isStopped) return;
        heartbeat.joined();
        this.joined(memberId, assignment);
      },
      rebalancing: () => this.membership.left(this.deps.clock.monotonicMs()),
      crashed: (error) => this.crashed(client(), error),
      take: (batch) => this.take(batch),
    };
  }

  private crashed(client: GroupClient, error: unknown): void {
    if (this.isStopped || client !== this.client) return;
    const { clock } = this.deps;
    this.deps.telemetry.consumerCrashed(this.name);
    this.deps.log('warn', 'consumer crashed', { consumer: this.name, error: describe(error) });
    this.membership.left(clock.monotonicMs());
    this.leave();
    this.partitions.loseAll();
    void client.disconnect().catch(() => undefined);
    if (!this.restarts.take(clock.monotonicMs())) {
      this.deps.onDead(this.name);
      return;
    }
    this.cancelRestart = clock.after(RESTART_AFTER_MS, () => void this.launch());
  }

  private joined(memberId: string, assignment: Assignment): void {
    const isAnother = this.membership.joined(memberId, this.deps.clock.monotonicMs());
    this.isJoined = true;
    this.partitions.assigned(memberId, assignment, isAnother);
  }

  private take(batch: FetchedBatch): Promise<void> {
    this.commitNow = (offsets) => batch.commitOffsetsIfNecessary(offsets);
    return this.partitions.take(batch);
  }

  private leave(): void {
    this.client = null;
    this.commitNow = null;
    this.isJoined = false;
  }

  private async commit({ topics }: OffsetsToCommit, assignment: AbortSignal): Promise<void> {
    const offsets = {
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((each) => ({
          ...each,
          partition: new FencedPartition(each.partition, assignment).asNumber(),
        })),
      })),
    };
    // Before the first batch kafkajs has only the commit that repeats itself.
    await (this.commitNow === null ? this.client?.commitOffsets(offsets) : this.commitNow(offsets));
  }
}
