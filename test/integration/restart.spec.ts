import { LifecycleBed, PERFECT } from './lifecycle-bed.ts';

const SETTINGS = { MAX_IN_FLIGHT: '100' };
/** However fast a service is, with this limit it cannot send everything before it is stopped. */
const HALF = { RATE_LIMIT_WHATSAPP: '1/1h burst 1000' };
const BEHAVIOUR = { latencyMs: 20, jitterMs: 60 };

test('restarts under load repeat nothing, lose nothing and keep the order', async () => {
  await using bed = await LifecycleBed.prepare({ behaviour: BEHAVIOUR, settings: SETTINGS });
  await bed.produce(2_000);
  for (const accepted of [300, 600]) {
    const service = await bed.start({ RATE_LIMIT_WHATSAPP: '1/1h burst 600' });
    await bed.untilAccepted(accepted);
    service.child.signal('SIGTERM');
    expect(await service.child.exited).toBe(0);
  }
  expect((await bed.sandbox.report()).uniqueAccepted).toBeLessThan(2_000);

  await bed.start();
  await bed.untilSettled();

  expect(await bed.account()).toEqual(PERFECT);
});

test('after a kill nothing is lost, and only commands that are called again have a second result', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: BEHAVIOUR,
    settings: { ...SETTINGS, KAFKA_SESSION_TIMEOUT_MS: '2000' },
  });
  await bed.produce(2_000);
  const first = await bed.start(HALF);
  await bed.untilAccepted(600);
  first.child.signal('SIGKILL');
  await first.child.exited;

  await bed.start();
  await bed.untilSettled();
  const account = await bed.account();

  expect(account).toMatchObject({ lost: 0, notAccepted: 0 });
  expect(account.repeatedResults).toBeLessThanOrEqual(account.repeatedCalls);
});
