import { setTimeout as sleep } from 'node:timers/promises';
import { LifecycleBed, metricSum, probe, residentMib, until } from './lifecycle-bed.ts';

jest.setTimeout(90_000);

const WAITING = 100_000;
const MAX_RESIDENT_MIB = 200;
const MAX_GROWTH_MIB = 30;
const OBSERVED_MS = 8_000;

test('with 100,000 commands waiting, partitions pause and resume, and memory stays flat', async () => {
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 5 },
    settings: { MAX_IN_FLIGHT: '64' },
    recipients: 5_000,
  });
  await bed.produce(WAITING);
  const service = await bed.start();
  const residents: number[] = [];
  const paused: number[] = [];
  const pausedNow = async (): Promise<number> =>
    metricSum((await probe(service, '/metrics')).body, 'messages_dispatcher_partition_paused', bed.commands);
  // A replica is ready before it has claimed its partitions: until then there is nothing to be paused.
  await until(async () => !Number.isNaN(await pausedNow()), 10_000, 'partitions are claimed');
  const deadlineMs = performance.now() + OBSERVED_MS;
  while (performance.now() < deadlineMs) {
    paused.push(await pausedNow());
    residents.push(await residentMib(service.child.pid));
    await sleep(400);
  }
  // It has been full all the time, and has worked.
  expect(await bed.uncommitted()).toBeGreaterThan(20_000);
  expect(await bed.resultCount()).toBeGreaterThan(5_000);

  expect(Math.max(...residents)).toBeLessThan(MAX_RESIDENT_MIB);
  const half = Math.floor(residents.length / 2);
  expect(Math.max(...residents.slice(half))).toBeLessThan(Math.max(...residents.slice(0, half)) + MAX_GROWTH_MIB);
  expect(Math.max(...paused)).toBeGreaterThan(0);
  expect(paused.some((count, at) => at > 0 && count < (paused[at - 1] ?? 0))).toBe(true);

  service.child.signal('SIGTERM');
  expect(await service.child.exited).toBe(0);
  const { uniqueAccepted, duplicates, orderViolations, maxConcurrent } = await bed.sandbox.report();
  expect(await bed.resultCount()).toBe(uniqueAccepted);
  expect({ duplicates, orderViolations }).toEqual({ duplicates: 0, orderViolations: 0 });
  expect(maxConcurrent).toBeLessThanOrEqual(64);
});

test('while the API refuses connections consumption pauses, nothing fails, and it goes on by itself within 6 s', async () => {
  // Longer than nothing succeeds before the API as a whole counts as down.
  const outageMs = 20_000;
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 20 },
    settings: { MAX_IN_FLIGHT: '50', RATE_LIMIT_WHATSAPP: '500/s' },
  });
  await bed.produce(3_000);
  const service = await bed.start();
  await bed.untilAccepted(800);
  await bed.sandbox.configure({ outage: { mode: 'refuse', forMs: outageMs } });
  const backAtMs = performance.now() + outageMs;
  // After a probe in vain reading goes on for a moment, to find another workspace to probe with.
  const isHalted = async (): Promise<boolean> => {
    const { code, body } = await probe(service, '/readyz');
    expect(code).toBe(200);
    return body.includes('"haltedBy":["api"]');
  };
  await until(isHalted, outageMs, 'reading pauses');
  const metrics = (await probe(service, '/metrics')).body;
  expect(metricSum(metrics, 'messages_dispatcher_circuit_open')).toBe(1);
  const duringOutage = await bed.resultCount();

  await until(async () => (await bed.resultCount()) > duringOutage + 10, outageMs + 6_000, 'sending goes on');
  expect(performance.now()).toBeLessThan(backAtMs + 6_000);
  await bed.untilSettled();
  const { repeatedCalls, ...account } = await bed.account();
  expect(account).toMatchObject({ lost: 0, repeatedResults: 0, notAccepted: 0, orderViolations: 0, overlaps: 0 });
  // What the API took and could not answer any more, when its connections closed, was perhaps sent: it is sent again.
  expect(repeatedCalls).toBeLessThanOrEqual(50);
  const { acceptedPerSecondPeak, maxConcurrent } = await bed.sandbox.report();
  // Rate and burst (50 ms' worth), and as much as may arrive out of step: calls leave within the limit, but arrive with jitter.
  expect(acceptedPerSecondPeak).toBeLessThanOrEqual(500 + 25 + 13);
  expect(maxConcurrent).toBeLessThanOrEqual(50);
});
