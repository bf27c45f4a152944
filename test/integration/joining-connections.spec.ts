import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { mendJoiningConnections } from '../../src/kafka/kafkajs-patches/joining-connections';
import { TestBed } from './harness';

/** A member that asks so seldom hears of a rebalance only then, and all others wait for it. */
const SELDOM_MS = 15_000;
const OFTEN_MS = 100;

jest.setTimeout(60_000);

describe('a member that waits for others to join', () => {
  it('commits meanwhile', async () => {
    mendJoiningConnections();
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
        maxWaitTimeInMs: OFTEN_MS,
      });
      members.push(member);
      await member.connect();
      await member.subscribe({ topic });
      return member;
    };
    // Resolves once the group is complete.
    const join = (member: Consumer): Promise<void> =>
      member.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    const once = (member: Consumer, name: 'GROUP_JOIN' | 'REBALANCING'): Promise<void> =>
      new Promise((resolve) => void member.on(member.events[name], () => resolve()));

    try {
      const waiting = await memberThatAsksEvery(OFTEN_MS);
      await join(waiting);
      const isTogether = once(waiting, 'GROUP_JOIN');
      await join(await memberThatAsksEvery(SELDOM_MS));
      await isTogether;

      const isRebalancing = once(waiting, 'REBALANCING');
      const isComplete = once(waiting, 'GROUP_JOIN').then(() => 'complete');
      const third = join(await memberThatAsksEvery(OFTEN_MS));
      await isRebalancing;
      await sleep(5 * OFTEN_MS);
      const commit = waiting.commitOffsets([{ topic, partition: 0, offset: '0' }]).then(() => 'committed');
      expect(await Promise.race([commit, isComplete])).toBe('committed');
      await third;
    } finally {
      await Promise.all(members.reverse().map((member) => member.disconnect()));
    }
  });
});
