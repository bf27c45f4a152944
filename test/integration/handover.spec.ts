import { type Consumer, type ConsumerGroupJoinEvent, PartitionAssigners } from 'kafkajs';
import { encodeMetadata } from '../../src/offsets/commit-metadata';
import { memberTag } from '../../src/kafka/partitions/member-tag';
import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, metricSum, PERFECT, probe, until } from './lifecycle-bed.ts';

const SETTLED = 'messages_dispatcher_settled_commands_total';

/** A member of the service's group that is no replica: it has only the standard assigner, and reads nothing. */
class OtherMember implements AsyncDisposable {
  joined: ConsumerGroupJoinEvent['payload'] | null = null;
  readonly #consumer: Consumer;
  readonly #topic: string;

  constructor(bed: LifecycleBed) {
    this.#topic = bed.commands;
    this.#consumer = bed.kafka.consumer({
      groupId: bed.group,
      partitionAssigners: [PartitionAssigners.roundRobin],
      rebalanceTimeout: 10_000,
      heartbeatInterval: 500,
    });
  }

  async join(): Promise<void> {
    this.#consumer.on(this.#consumer.events.GROUP_JOIN, ({ payload }) => (this.joined = payload));
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: this.#topic, fromBeginning: true });
    await this.#consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await until(() => Promise.resolve(this.joined !== null), DEADLINE_MS, 'the other member has joined');
  }

  get partitions(): readonly number[] {
    return this.joined?.memberAssignment[this.#topic] ?? [];
  }

  /** Commits the first offset of each of its partitions. */
  async commit(metadata: string): Promise<void> {
    const { partitions } = this;
    const topic = this.#topic;
    await this.#consumer.commitOffsets(partitions.map((partition) => ({ topic, partition, offset: '0', metadata })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.disconnect();
  }
}

test('a partition that a newer release claims is read when patience ends, with a warning', async () => {
  await using bed = await LifecycleBed.prepare({ settings: { MESSAGES_API_TIMEOUT_MS: '1000' } });
  await using other = new OtherMember(bed);
  await other.join();
  expect(other.partitions).toHaveLength(8);
  await other.commit('{"v":99}');
  await bed.produce(400);
  const service = await bed.start();
  await until(() => Promise.resolve(other.partitions.length === 4), DEADLINE_MS, 'the group has shared its partitions');
  expect(other.joined?.groupProtocol).toBe('RoundRobinAssigner');
  await until(
    async () => metricSum((await probe(service, '/metrics')).body, SETTLED) > 50,
    DEADLINE_MS,
    'a share is settled',
  );
  expect((await bed.account()).lost).toBeGreaterThan(0);
  await other[Symbol.asyncDispose]();
  await bed.untilSettled();
  expect(await bed.account()).toEqual(PERFECT);
  expect(service.child.tail).toContain('has a version this release does not know and is ignored');
});

test('partitions that a live member never releases are taken over in the end', async () => {
  await using bed = await LifecycleBed.prepare({ settings: { MESSAGES_API_TIMEOUT_MS: '1000' } });
  await using other = new OtherMember(bed);
  await other.join();
  const owner = memberTag(other.joined?.memberId ?? '');
  await other.commit(encodeMetadata({ base: 0, done: [], owner, state: 'active' }));
  await bed.produce(400);
  const service = await bed.start();
  await until(() => Promise.resolve(other.partitions.length === 4), DEADLINE_MS, 'the group has shared its partitions');
  await until(
    async () => metricSum((await probe(service, '/metrics')).body, SETTLED) > 50,
    DEADLINE_MS,
    'the share is taken over',
  );
  await other[Symbol.asyncDispose]();
  await bed.untilSettled();
  // A call that takes longer than its short timeout is made again; here that does no harm.
  expect(await bed.account()).toMatchObject({ lost: 0, notAccepted: 0, orderViolations: 0 });
});

test('after a damaged done map, or one for another offset, every command is still sent', async () => {
  await using bed = await LifecycleBed.prepare();
  await bed.produce(400);
  {
    await using other = new OtherMember(bed);
    await other.join();
    const foreign = encodeMetadata({ base: 7, done: [8, 9, 10], owner: null, state: 'released' });
    await other.commit(foreign);
  }
  const service = await bed.start();
  await bed.untilSettled();
  expect(await bed.account()).toEqual(PERFECT);
  expect(service.child.tail).toContain('belongs to another offset and is ignored');
});
