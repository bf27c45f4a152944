import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from '../../tools/redis/start-redis.ts';
import { LifecycleBed, until } from './lifecycle-bed.ts';

jest.setTimeout(150_000);

const IN_FLIGHT = 50;

/** Kills one of two replicas over and over under load; each is started again at once. */
async function killing(bed: LifecycleBed, kills: number, everyMs: number, commands: number): Promise<void> {
  await bed.produce(commands);
  let victim = await bed.start({ REPLICA_ID: 'a' });
  let other = await bed.start({ REPLICA_ID: 'b' });
  for (let i = 0; i < kills; i++) {
    await sleep(everyMs);
    victim.child.signal('SIGKILL');
    await victim.child.exited;
    const restarted = await bed.start({ REPLICA_ID: i % 2 === 0 ? 'a' : 'b' });
    [victim, other] = [other, restarted];
  }
  await bed.untilSettled();
}

const SETTINGS = { MAX_IN_FLIGHT: String(IN_FLIGHT), KAFKA_SESSION_TIMEOUT_MS: '6000' };

test.each([
  ['at-least-once', IN_FLIGHT],
  ['at-most-once', 0],
])('with Redis, kills repeat no more than was on the wire, and nothing at all: %s', async (delivery, perKill) => {
  const kills = 5;
  await using redis = await startRedis();
  await using bed = await LifecycleBed.prepare({
    behaviour: { latencyMs: 50 },
    settings: { ...SETTINGS, REDIS_URL: redis.url, DEFAULT_DELIVERY: delivery },
  });
  await killing(bed, kills, 1_500, 8_000);
  const account = await bed.account();
  const outcomes = await bed.outcomes();
  expect(account).toMatchObject({ lost: 0, orderViolations: 0, overlaps: 0 });
  expect(account.repeatedCalls).toBeLessThanOrEqual(kills * perKill);
  expect(outcomes['in-doubt'] ?? 0).toBeLessThanOrEqual(delivery === 'at-most-once' ? kills * IN_FLIGHT : 0);
  expect((outcomes['accepted'] ?? 0) + (outcomes['in-doubt'] ?? 0)).toBe(8_000);
});

test('a replica in a crash loop does not stop the other', async () => {
  await using bed = await LifecycleBed.prepare({ behaviour: { latencyMs: 50 }, settings: SETTINGS });
  await bed.produce(20_000);
  await bed.start({ REPLICA_ID: 'a' });
  let longestMs = 0;
  let [seen, movedMs] = [0, performance.now()];
  const endMs = performance.now() + 20_000;
  while (performance.now() < endMs) {
    const looping = await bed.launch({ REPLICA_ID: 'b' });
    const killMs = performance.now() + 3_000;
    while (performance.now() < killMs) {
      const results = await bed.resultCount();
      const nowMs = performance.now();
      if (results > seen) [seen, movedMs] = [results, nowMs];
      longestMs = Math.max(longestMs, nowMs - movedMs);
      await sleep(50);
    }
    looping.child.signal('SIGKILL');
    await looping.child.exited;
  }
  expect(longestMs).toBeLessThan(3_000);
  await until(async () => (await bed.uncommitted()) === 0, 90_000, 'everything is committed');
  expect(await bed.account()).toMatchObject({ lost: 0, orderViolations: 0, overlaps: 0 });
});
