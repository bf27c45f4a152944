import { LifecycleBed, PERFECT } from './lifecycle-bed.ts';

jest.setTimeout(60_000);

const SETTINGS = { MAX_IN_FLIGHT: '100' };

test('a restart in the middle repeats nothing, loses nothing and keeps the order', async () => {
  await using bed = await LifecycleBed.prepare({ behaviour: { latencyMs: 20, jitterMs: 60 }, settings: SETTINGS });
  await bed.produce(5_000);
  const first = await bed.start();
  await bed.untilAccepted(2_000);
  first.child.signal('SIGTERM');
  expect(await first.child.exited).toBe(0);
  expect((await bed.sandbox.report()).uniqueAccepted).toBeLessThan(5_000);

  await bed.start();
  await bed.untilSettled();

  expect(await bed.account()).toEqual(PERFECT);
});

test('five restarts in a row under load repeat nothing, lose nothing and keep the order', async () => {
  await using bed = await LifecycleBed.prepare({ behaviour: { latencyMs: 20, jitterMs: 60 }, settings: SETTINGS });
  await bed.produce(3_000);
  for (let accepted = 400; accepted <= 2_000; accepted += 400) {
    const service = await bed.start();
    await bed.untilAccepted(accepted);
    service.child.signal('SIGTERM');
    expect(await service.child.exited).toBe(0);
  }

  await bed.start();
  await bed.untilSettled();

  expect(await bed.account()).toEqual(PERFECT);
});

test('after a kill only what was on the wire, or had just finished, is sent again', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 20, jitterMs: 60 },
    settings: { MAX_IN_FLIGHT: '100', KAFKA_SESSION_TIMEOUT_MS: '2000' },
  });
  await bed.produce(4_000);
  const first = await bed.start();
  await bed.untilAccepted(2_000);
  first.child.signal('SIGKILL');
  await first.child.exited;

  await bed.start();
  await bed.untilSettled();
  const account = await bed.account();

  expect(account).toMatchObject({ lost: 0, notAccepted: 0 });
  // 100 on the wire, and those finished in the last 50 ms: 100 in flight at 50 ms each, on average, finish 100 in that time.
  expect(account.repeatedCalls).toBeLessThanOrEqual(200);
  expect(account.repeatedResults).toBeLessThanOrEqual(account.repeatedCalls);
});
