import type { Job } from '../../src/dispatch/job';
import type { CallResult } from '../../src/messages-api/call-result';
import { ACCEPTED, keys, REFUSED, seeded, status, TIMED_OUT, UNAUTHORIZED, World, type WorldOptions } from './fixtures';

/** A world whose circuit has just been opened by 20 keys. */
async function inOutage(options: WorldOptions = {}): Promise<World> {
  const world = new World({ random: () => 0, ...options });
  world.answer = () => REFUSED;
  world.add(...keys(20));
  await world.pass(10);
  expect([world.dispatcher.apiHealth.isDown, world.halts]).toEqual([true, [true]]);
  return world;
}

describe('Dispatcher: an API that is down', () => {
  it('sends nothing but probes, after 1 s and then every 5 s, one at a time, each of another key', async () => {
    const world = await inOutage();
    const before = world.calls.length;
    await world.pass(40_000);
    const probes = world.calls.slice(before);
    expect(probes.map(({ atMs }) => atMs)).toEqual([1010, 6010, 11_010, 16_010, 21_010, 26_010, 31_010, 36_010]);
    expect(new Set(probes.map(({ job }) => job.key)).size).toBe(probes.length);
  });

  it('begins again with the first key once every one has had its turn', async () => {
    const world = await inOutage();
    const before = world.calls.length;
    await world.pass(5_010 * 40);
    const probed = world.calls.slice(before).map(({ job }) => job.key);
    expect(probed.slice(20, 40)).toEqual(probed.slice(0, 20));
  });

  it.each([REFUSED, TIMED_OUT, status(502), status(503), status(504)])(
    'ends no command for it, however long it lasts, and resumes by itself (%j)',
    async (result) => {
      const world = await inOutage();
      world.answer = () => result;
      await world.pass(3_600_000);
      expect(world.outcomes.size).toBe(0);
      world.answer = () => ACCEPTED;
      await world.pass(10_000);
      expect([...world.outcomes.values()].flat().map(({ outcome }) => outcome)).toEqual(
        Array.from({ length: 20 }, () => 'accepted'),
      );
      expect([world.halts[0], world.halts.at(-1)]).toEqual([true, false]);
    },
  );

  it('takes a probe that is answered by a 5xx of the API itself for an attempt of its command', async () => {
    const world = await inOutage();
    await world.pass(500);
    const before = world.calls.length;
    world.answer = () => status(500);
    await world.pass(5_010 * 20 * 5 + 10_000);
    const probesOf = (job: Job): number => world.calls.slice(before).filter((call) => call.job === job).length;
    expect([...world.outcomes].map(([job, [settled]]) => [settled?.outcome, probesOf(job)])).toEqual(
      Array.from({ length: 20 }, () => ['failed', 5]),
    );
  });

  it('does not open for a poisonous command, which alone ends as failed', async () => {
    const world = new World();
    world.answer = (job) => (job.key.startsWith('bad') ? status(500) : ACCEPTED);
    const bad = world.add(...keys(4, { key: 'bad' }), ...keys(4, { key: 'bad' }), ...keys(4, { key: 'bad' }));
    await world.pass(60_000);
    const good = world.add(...keys(10));
    await world.pass(1000);
    expect(world.halts).toEqual([]);
    expect(bad.map((job) => world.outcomeOf(job))).toEqual(bad.map(() => 'failed'));
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
  });

  it('comes back although commands that hang for themselves are in the way, in the lane that goes first', async () => {
    const world = await inOutage();
    world.answer = (job) => (job.lane === 'bulk' ? ACCEPTED : status(504));
    const good = world.add(...keys(5, { key: 'good', lane: 'bulk' }));
    await world.pass(200_000);
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
  });

  it('gives up the probes in vain of a lost partition with everything else of it', async () => {
    const world = await inOutage();
    await world.pass(12_000);
    world.source.isOwned = false;
    world.dispatcher.discard(world.source);
    expect(world.source.forgottenOffsets).toHaveLength(20);
    expect(world.dispatcher.waiting).toBe(0);
  });

  it('reads on where everything in hand was lost, since it needs a command to probe with, and pauses with the first', async () => {
    const world = await inOutage();
    await world.pass(100);
    world.source.isOwned = false;
    world.dispatcher.discard(world.source);
    await world.pass(100);
    expect([world.dispatcher.apiHealth.isDown, world.halts]).toEqual([true, [true, false]]);
    world.source.isOwned = true;
    world.answer = () => ACCEPTED;
    const job = world.addOne({ key: 'new' });
    expect(world.halts).toEqual([true, false, true]);
    await world.pass(7_000);
    expect([world.outcomeOf(job), world.dispatcher.apiHealth.isDown, world.halts.at(-1)]).toEqual([
      'accepted',
      false,
      false,
    ]);
  });

  it.each([
    ['is refused at once', REFUSED, 5, null],
    ['is refused at once, with waits of half their length', REFUSED, 5, 0.5],
    ['is refused at once, with the shortest waits', REFUSED, 5, 0],
    ['answers 503 after a second', status(503), 1000, null],
    ['answers 500 after 50 ms', status(500), 50, null],
    ['hangs until the deadline', TIMED_OUT, 10_000, null],
  ])(
    'fails no command at the moment when 1,000 successes a second turn into failures: it %s',
    async (_, result, latencyMs, jitter) => {
      const random = seeded(42);
      const world = new World({ random: jitter === null ? random : () => jitter, latencyMs: () => 20 });
      let added = 0;
      const run = async (ms: number): Promise<void> => {
        for (let i = 0; i < ms; i += 10) {
          for (let j = 0; j < 10; j++) world.addOne({ key: `k-${added++ % 3000}` });
          await world.pass(10);
        }
      };
      await run(10_200);
      world.answer = () => result;
      world.latencyMs = () => latencyMs;
      for (let i = 0; i < 30 && !world.dispatcher.apiHealth.isDown; i++) await run(1000);
      expect(world.dispatcher.apiHealth.isDown).toBe(true);
      await world.pass(60_000);
      const outcomes = new Set([...world.outcomes.values()].flat().map(({ outcome }) => outcome));
      expect([...outcomes]).toEqual(['accepted']);
    },
  );
});

describe('Dispatcher: a guard of Nest that denies', () => {
  const denied: CallResult = { kind: 'not-sent', reason: 'handler', httpStatus: null, detail: 'refused' };

  it('uses up the attempts of its commands, which then go to a retry topic, and opens no circuit', async () => {
    const world = new World({ maxAttempts: 2, delays: [{ name: '1m', delayMs: 60_000 }] });
    world.answer = (job) => (job.workspaceId === 'denied' ? denied : ACCEPTED);
    const others = world.add(...keys(20));
    world.add(...keys(20, { workspaceId: 'denied' }));
    await world.pass(10_000);
    expect([world.halts, world.dispatcher.apiHealth.isDown, world.parked.length]).toEqual([[], false, 20]);
    expect(others.map((job) => world.outcomeOf(job))).toEqual(others.map(() => 'accepted'));
  });

  it('ends no outage, and ends its own commands within one', async () => {
    const world = await inOutage({ maxAttempts: 2 });
    const [job] = world.add({ key: 'denied', workspaceId: 'denied' });
    world.answer = (each) => (each.workspaceId === 'denied' ? denied : REFUSED);
    const wasDown = new Set<boolean>();
    for (let i = 0; i < 6_000; i++) {
      await world.pass(100);
      wasDown.add(world.dispatcher.apiHealth.isDown);
    }
    expect([[...wasDown], world.outcomeOf(job!)]).toEqual([[true], 'failed']);
  });

  it('hands the probe of a refused workspace on to its next command', async () => {
    const world = new World();
    world.answer = () => UNAUTHORIZED;
    world.add(...keys(30));
    await world.pass(100);
    const before = world.calls.length;
    world.answer = () => denied;
    await world.pass(930);
    expect(world.calls.slice(before).map(({ atMs }) => atMs)).toEqual([1010, 1020, 1030]);
  });
});
