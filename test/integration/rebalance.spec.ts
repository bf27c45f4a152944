import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { exitWithin } from './lifecycle-run.ts';
import { LifecycleBed, metricSum, probe, until } from './lifecycle-bed.ts';

jest.setTimeout(60_000);

test('replicas that join and leave under load lose nothing', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 60 },
    settings: { MAX_IN_FLIGHT: '50', KAFKA_SESSION_TIMEOUT_MS: '2000' },
  });
  await bed.produce(6_000);
  const one = await bed.start({ REPLICA_ID: 'one' });
  await bed.untilAccepted(1_000);
  const two = await bed.start({ REPLICA_ID: 'two' });
  const settledByTwo = async (): Promise<number> =>
    metricSum((await probe(two, '/metrics')).body, 'messages_dispatcher_settled_commands_total');
  await until(async () => (await settledByTwo()) > 200, 20_000, 'the second replica has its share');
  one.child.signal('SIGTERM');
  expect(await one.child.exited).toBe(0);
  await bed.untilSettled();

  expect(await bed.account()).toMatchObject({ lost: 0, notAccepted: 0, overlaps: 0 });
});

test('a consumer that can never join again makes the process drain and exit 1', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 10 },
    settings: { KAFKA_SESSION_TIMEOUT_MS: '1000', CONSUMER_RESTARTS: '1', LOG_LEVEL: 'error' },
  });
  await bed.produce(50);
  const service = await bed.start();
  await bed.untilSettled();
  // While the service is frozen it drops out of its group, which a stranger with another protocol then holds.
  service.child.signal('SIGSTOP');
  await sleep(1_500);
  const stranger = bed.kafka.consumer({
    groupId: bed.group,
    partitionAssigners: [
      ({ cluster }) => ({
        name: 'stranger',
        version: 1,
        protocol: ({ topics }) => ({
          name: 'stranger',
          metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
        }),
        assign: ({ members }) => {
          void cluster;
          return Promise.resolve(
            members.map(({ memberId }) => ({
              memberId,
              memberAssignment: kafkajs.AssignerProtocol.MemberAssignment.encode({
                version: 1,
                assignment: {},
                userData: Buffer.alloc(0),
              }),
            })),
          );
        },
      }),
    ],
  });
  try {
    const joined = new Promise((resolve) => stranger.on(stranger.events.GROUP_JOIN, resolve));
    await stranger.connect();
    await stranger.subscribe({ topic: bed.commands });
    await stranger.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
    await joined;
    service.child.signal('SIGCONT');
    expect(await exitWithin(service.child.exited, 20_000)).toBe(1);
    expect(service.child.tail).toContain('consumer crashed too often');
  } finally {
    await stranger.disconnect();
  }
});
