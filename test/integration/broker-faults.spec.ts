import { type DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { createTopics, deleteTopics } from '../../tools/kafka/topics.ts';
import { PARTITIONS } from '../../tools/lib/producing.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, metricSum, probe, until } from './lifecycle-bed.ts';

test('while results cannot be written, few more commands are sent and nothing is committed; then it goes on', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 10 },
    settings: { MAX_IN_FLIGHT: '20', MAX_UNRECORDED: '50', INTAKE_MAX_COMMANDS: '200', LOG_LEVEL: 'error' },
  });
  await bed.produce(500);
  const service = await bed.start();
  await bed.untilSettled();
  const before = await bed.readResults();
  await deleteTopics(bed.brokers, [bed.results]);
  await bed.produce(500);
  await until(
    async () => {
      const { body } = await probe(service, '/readyz');
      return body.includes(`"unrecorded":["${bed.commands}"],"unwritable":["${bed.results}"]`);
    },
    DEADLINE_MS,
    'dispatch waits',
  );
  const metric = async (name: string, labels?: string): Promise<number> =>
    metricSum((await probe(service, '/metrics')).body, `messages_dispatcher_${name}`, labels);
  await until(async () => (await metric('publish_failures_total')) > 0, DEADLINE_MS, 'a failure is counted');
  await until(
    async () => (await metric('partition_paused', `"${bed.commands}"`)) > 0,
    DEADLINE_MS,
    'partitions are paused once the memory is used up',
  );
  expect((await bed.sandbox.report()).uniqueAccepted).toBeLessThanOrEqual(500 + 50 + 20);
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

  test('if the broker goes away under load and comes back, the service lives on and no command is lost', async () => {
    await using bed = await LifecycleBed.prepare({
      brokers: kafka.brokers,
      behaviour: { latencyMs: 20 },
      settings: { MAX_IN_FLIGHT: '50', LOG_LEVEL: 'warn' },
    });
    await bed.produce(1_500);
    const service = await bed.start();
    await bed.untilAccepted(500);
    await kafka.stopBroker(0);
    const isSaid = async (): Promise<boolean> => {
      expect((await probe(service, '/livez')).code).toBe(200);
      return service.child.tail.includes('Connection');
    };
    await until(isSaid, DEADLINE_MS, 'the service misses its broker');
    await kafka.startBroker(0);
    await bed.untilSettled();

    expect((await probe(service, '/readyz')).code).toBe(200);
    expect(await bed.account()).toMatchObject({ lost: 0, notAccepted: 0, orderViolations: 0, repeatedCalls: 0 });
  });
});
