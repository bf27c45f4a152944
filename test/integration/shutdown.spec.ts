import { exitWithin } from './lifecycle-run.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, PERFECT, until } from './lifecycle-bed.ts';

test.each(['SIGTERM', 'SIGINT'] as const)(
  'after %s under load every call on the wire is settled and committed, and a second signal changes nothing',
  async (signal) => {
    await using bed = await LifecycleBed.prepare({
      behaviour: { latencyMs: 300 },
      settings: { MAX_IN_FLIGHT: '100' },
    });
    await bed.produce(400);
    // Fewer than all, so that some are left for the next service.
    const service = await bed.start({ RATE_LIMIT_WHATSAPP: '1/1h burst 300' });
    await bed.untilAccepted(150);
    service.child.signal(signal);
    service.child.signal('SIGTERM');
    expect(await exitWithin(service.child.exited, DEADLINE_MS)).toBe(0);

    const { uniqueAccepted } = await bed.sandbox.report();
    expect(uniqueAccepted).toBeLessThan(400);
    expect(await bed.resultCount()).toBe(uniqueAccepted);

    await bed.start();
    await bed.untilSettled();
    expect(await bed.account()).toEqual(PERFECT);
  },
);

test('if the API hangs until the drain must end, it exits 1 and the next one reads the commands again', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { faultRates: { hang: 1 } },
    settings: { MAX_IN_FLIGHT: '100', SHUTDOWN_TIMEOUT_MS: '500', KAFKA_SESSION_TIMEOUT_MS: '2000' },
  });
  await bed.produce(300);
  const service = await bed.start();
  await until(async () => (await bed.sandbox.report()).calls >= 100, DEADLINE_MS, 'calls are on the wire');
  service.child.signal('SIGTERM');
  expect(await exitWithin(service.child.exited, DEADLINE_MS)).toBe(1);
  expect(await bed.resultCount()).toBe(0);

  await bed.sandbox.configure({ faultRates: {} });
  await bed.start();
  await bed.untilSettled();
  expect(await bed.account()).toEqual(PERFECT);
});
