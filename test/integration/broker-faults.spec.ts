import { setTimeout as sleep } from 'node:timers/promises';
import { type DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { createTopics, deleteTopics } from '../../tools/kafka/topics.ts';
import { PARTITIONS } from '../../tools/lib/producing.ts';
import { LifecycleBed, metricSum, PERFECT, probe, until } from './lifecycle-bed.ts';

jest.setTimeout(120_000);

/** Of the contract: a consumer may be out of its group for so long before the replica counts as unready. */
const OUT_OF_GROUP_MS = 30_000;

test('while results cannot be written consumption pauses and nothing is committed; then it goes on where it stood', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 10 },
    settings: { MAX_IN_FLIGHT: '20', LOG_LEVEL: 'error' },
  });
  await bed.produce(500);
  const service = await bed.start();
  await bed.untilSettled();
  const before = await bed.readResults();
  await deleteTopics(bed.brokers, [bed.results]);
  await bed.produce(500);
  await until(
    async () => (await probe(service, '/readyz')).body.includes('"haltedBy":["results"]'),
    10_000,
    'consumption pauses',
  );
  await sleep(500);
  const { body } = await probe(service, '/metrics');
  expect(metricSum(body, 'messages_dispatcher_publish_failures_total')).toBeGreaterThan(0);
  expect(metricSum(body, 'messages_dispatcher_partition_paused', `"${bed.commands}"`)).toBe(PARTITIONS);
  expect(await bed.uncommitted()).toBe(500);

  await createTopics(bed.brokers, [{ topic: bed.results, partitions: PARTITIONS }]);
  await bed.untilSettled();
  const after = await bed.readResults();
  expect(after).toHaveLength(500);
  expect(new Set([...before, ...after].map(({ commandId }) => commandId)).size).toBe(1_000);
  const { uniqueAccepted, duplicates, orderViolations } = await bed.sandbox.report();
  expect({ uniqueAccepted, duplicates, orderViolations }).toEqual({
    uniqueAccepted: 1_000,
    duplicates: 0,
    orderViolations: 0,
  });
});

(process.env['KAFKA_BROKERS'] === undefined ? describe : describe.skip)('on a broker of its own', () => {
  let kafka: DevKafka;

  beforeAll(async () => {
    kafka = await startKafka();
  });
  afterAll(() => kafka.stop());

  test('a broker that restarts in the middle costs seconds, and no command', async () => {
    await using bed = await LifecycleBed.prepare({
      brokers: kafka.brokers,
      behaviour: { latencyMs: 20 },
      settings: { MAX_IN_FLIGHT: '50', LOG_LEVEL: 'error' },
    });
    await bed.produce(3_000);
    await bed.start();
    await bed.untilAccepted(1_000);
    await kafka.stopBroker(0);
    await kafka.startBroker(0);
    const { uniqueAccepted } = await bed.sandbox.report();
    await until(
      async () => (await bed.sandbox.report()).uniqueAccepted > Math.min(2_990, uniqueAccepted + 100),
      15_000,
      'sending goes on',
    );
    await bed.untilSettled();

    expect(await bed.account()).toMatchObject({ lost: 0, notAccepted: 0, orderViolations: 0, repeatedCalls: 0 });
  });

  test('a broker away for long leaves the service alive, makes it unready after 30 s, and all mends itself', async () => {
    await using bed = await LifecycleBed.prepare({
      brokers: kafka.brokers,
      behaviour: { latencyMs: 20 },
      settings: { LOG_LEVEL: 'error' },
    });
    await bed.produce(100);
    const service = await bed.start();
    await bed.untilSettled();
    await kafka.stopBroker(0);
    const awayAtMs = performance.now();
    const liveness = new Set<number>();
    await until(
      async () => {
        liveness.add((await probe(service, '/livez')).code);
        return (await probe(service, '/readyz')).code === 503;
      },
      OUT_OF_GROUP_MS + 12_000,
      'the service is unready',
    );
    expect(performance.now() - awayAtMs).toBeGreaterThan(OUT_OF_GROUP_MS - 2_000);
    expect([...liveness]).toEqual([200]);

    await kafka.startBroker(0);
    await until(async () => (await probe(service, '/readyz')).code === 200, 15_000, 'the service is ready again');
    expect((await probe(service, '/livez')).code).toBe(200);
    await bed.produce(100);
    await bed.untilSettled();
    expect(await bed.account()).toEqual(PERFECT);
  });
});
