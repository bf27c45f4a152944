import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { patchJoiningConnections } from '../../src/kafka/kafkajs-patches/joining-connections';
import { DEADLINE_MS, until } from '../deadline.ts';
import { TestBed } from './harness';

/** A member that asks so rarely hears of a rebalance only after the test. All other members wait for it. */
const SELDOM_MS = 2 * DEADLINE_MS;
const OFTEN_MS = 100;

/** The parts of kafkajs's connection to one broker that are used here. */
interface BrokerModule {
  readonly prototype: { joinGroup(options: object): Promise<unknown> };
}

describe('a member that waits for others to join', () => {
  it('can still commit', async () => {
    patchJoiningConnections();
    const { prototype } = jest.requireActual<BrokerModule>('kafkajs/src/broker');
    const joins = jest.spyOn(prototype, 'joinGroup');
    await using bed = await TestBed.start({ service: false });
    const kafka = new Kafka({ brokers: [...bed.brokers], logLevel: logLevel.NOTHING });
    const topic = bed.topics.results;
    const members: Consumer[] = [];

    const memberThatAsksEvery = async (heartbeatInterval: number): Promise<Consumer> => {
      const sessionTimeout = 2 * SELDOM_MS;
      const member = kafka.consumer({
        groupId: bed.group,
        heartbeatInterval,
        sessionTimeout,
        rebalanceTimeout: sessionTimeout,
        maxWaitTimeInMs: OFTEN_MS,
      });
      members.push(member);
      await member.connect();
      await member.subscribe({ topic });
      return member;
    };
    // Resolves when the group is complete.
    const join = (member: Consumer): Promise<void> =>
      member.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    const once = (member: Consumer, name: 'GROUP_JOIN' | 'REBALANCING'): Promise<void> =>
      new Promise((resolve) => void member.on(member.events[name], () => resolve()));

    try {
      const waiting = await memberThatAsksEvery(OFTEN_MS);
      await join(waiting);
      const isTogether = once(waiting, 'GROUP_JOIN');
      const seldom = await memberThatAsksEvery(SELDOM_MS);
      await join(seldom);
      await isTogether;
      const joinsBefore = joins.mock.calls.length;

      const isRebalancing = once(waiting, 'REBALANCING');
      const isComplete = once(waiting, 'GROUP_JOIN').then(() => 'complete');
      const third = join(await memberThatAsksEvery(OFTEN_MS));
      await isRebalancing;
      // The connections of the third member and of the waiting one.
      await until(() => joins.mock.calls.length >= joinsBefore + 2, 'both ask to join');
      const commit = waiting.commitOffsets([{ topic, partition: 0, offset: '0' }]).then(() => 'committed');
      expect(await Promise.race([commit, isComplete])).toBe('committed');
      // It leaves the group, which is then complete.
      await seldom.disconnect();
      await third;
    } finally {
      joins.mockRestore();
      await Promise.all(members.map((member) => member.disconnect()));
    }
  });
});
