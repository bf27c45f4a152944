import fc from 'fast-check';
import type { Job } from '../../src/dispatch/job';
import type { CallResult } from '../../src/messages-api/call-result';
import {
  ACCEPTED,
  FORBIDDEN,
  limited,
  limitsOf,
  REFUSED,
  REJECTED,
  seeded,
  status,
  TIMED_OUT,
  UNAUTHORIZED,
  World,
} from './fixtures';

const MAX_UNRECORDED = 3;
const MAX_IN_FLIGHT = 20;
const MINUTES = 3;

/** Everything that may happen to a command, weighted; the last ones only now and then. */
const ANSWERS: readonly CallResult[] = [
  ...Array.from({ length: 30 }, () => ACCEPTED),
  REJECTED,
  REFUSED,
  TIMED_OUT,
  status(500),
  status(503),
  limited(200),
  limited(null),
  FORBIDDEN,
  UNAUTHORIZED,
];

describe('Dispatcher over a long time of everything at random', () => {
  it('settles every command exactly once, in order and one at a time per key, within the in-flight limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const random = seeded(seed);
        const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
        const world = new World({
          random,
          maxInFlight: MAX_IN_FLIGHT,
          maxUnrecorded: MAX_UNRECORDED,
          latencyMs: () => Math.floor(random() * 300),
          settleMs: () => Math.floor(random() * 50),
          limits: limitsOf({
            channel: { count: 200, periodMs: 1000, burst: 10 },
            workspace: { count: 100, periodMs: 1000, burst: 5 },
            recipient: { count: 5, periodMs: 1000, burst: 2 },
          }),
        });
        const jobs: Job[] = [];
        const outageFromMs = random() * MINUTES * 60_000;
        const outageUntilMs = outageFromMs + random() * 30_000;
        world.answer = () =>
          world.nowMs >= outageFromMs && world.nowMs < outageUntilMs
            ? pick([REFUSED, TIMED_OUT, status(503)])
            : pick(ANSWERS);
        for (let i = 0; i < MINUTES * 60; i++) {
          const count = Math.floor(random() * 8);
          const fields = Array.from({ length: count }, () => ({
            key: `k-${Math.floor(random() * 12)}`,
            workspaceId: pick(['w-1', 'w-2', 'w-3']),
            channel: pick(['whatsapp', 'whatsapp', 'telegram'] as const),
            delivery: pick(['at-least-once', 'at-least-once', 'at-most-once'] as const),
            expiresAtMs: random() < 0.1 ? world.clock.wallMs() + random() * 2000 : null,
          }));
          jobs.push(...world.add(...fields));
          await world.pass(1000);
          expect(world.dispatcher.inFlight).toBeLessThanOrEqual(MAX_IN_FLIGHT);
        }
        world.answer = () => ACCEPTED;
        await world.pass(600_000);

        expect(jobs.filter((job) => world.outcomes.get(job)?.length !== 1)).toEqual([]);
        expect([world.dispatcher.waiting, world.dispatcher.inFlight]).toEqual([0, 0]);
        expect(world.source.settledOffsets.length).toBe(jobs.length);
        expect(overlaps(world)).toBe(0);
        expect(mostAtOnce(world)).toBeLessThanOrEqual(MAX_IN_FLIGHT);
        const firstCalls = new Map<string, number[]>();
        for (const { job } of world.calls) {
          const offsets = firstCalls.get(job.key) ?? [];
          if (!offsets.includes(job.record.offset)) offsets.push(job.record.offset);
          firstCalls.set(job.key, offsets);
        }
        for (const offsets of firstCalls.values()) expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

/** Calls that were made while another one of their key was on the wire. */
function overlaps(world: World): number {
  const untilMs = new Map<string, number>();
  let count = 0;
  for (const { job, atMs, endMs } of world.calls) {
    if (atMs < (untilMs.get(job.key) ?? 0)) count++;
    untilMs.set(job.key, endMs ?? Infinity);
  }
  return count;
}

function mostAtOnce(world: World): number {
  const changes = world.calls.flatMap(({ atMs, endMs }) => [
    { atMs, by: 1 },
    { atMs: endMs ?? Infinity, by: -1 },
  ]);
  changes.sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of changes) most = Math.max(most, (now += by));
  return most;
}
