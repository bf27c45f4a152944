import kafkajs from 'kafkajs';
import { exitWithin } from './lifecycle-run.ts';
import { LifecycleBed, until } from './lifecycle-bed.ts';
import { DEADLINE_MS } from '../deadline.ts';

test('a consumer that can never join again makes the process drain and exit 1', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 10 },
    settings: { KAFKA_SESSION_TIMEOUT_MS: '1000', CONSUMER_RESTARTS: '1', LOG_LEVEL: 'error' },
  });
  await bed.produce(50);
  const service = await bed.start();
  await bed.untilSettled();
  // The frozen service drops out of its group. Then a stranger with another protocol occupies the group.
  service.child.signal('SIGSTOP');
  const members = async (): Promise<number> =>
    (await bed.admin.describeGroups([bed.group])).groups.flatMap((group) => group.members).length;
  await until(async () => (await members()) === 0, DEADLINE_MS, 'the service is out of its group');
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
    expect(await exitWithin(service.child.exited, DEADLINE_MS)).toBe(1);
    expect(service.child.tail).toContain('consumer crashed too often');
  } finally {
    await stranger.disconnect();
  }
});
