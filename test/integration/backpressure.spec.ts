import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, metricSum, PERFECT, probe, until } from './lifecycle-bed.ts';

const WAITING = 3_000;

test('if far more commands wait than fit into memory, partitions pause and resume until all are sent', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 20 },
    settings: { MAX_IN_FLIGHT: '32', INTAKE_MAX_COMMANDS: '200' },
    recipients: 1_000,
  });
  await bed.produce(WAITING);
  const service = await bed.start();
  const pausedNow = async (): Promise<number> =>
    metricSum((await probe(service, '/metrics')).body, 'messages_dispatcher_partition_paused', bed.commands);
  await until(async () => (await pausedNow()) > 0, DEADLINE_MS, 'a partition pauses');
  await bed.untilSettled();
  expect(await pausedNow()).toBe(0);
  expect(await bed.account()).toEqual(PERFECT);
  expect((await bed.sandbox.report()).maxConcurrent).toBeLessThanOrEqual(32);
});
