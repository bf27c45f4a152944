import { ACCEPTED, FORBIDDEN, keys, limitsOf, UNAUTHORIZED, World } from './fixtures';

/** A world where w-2 has a key of its own, which the API refuses. */
async function refused(): Promise<World> {
  const world = new World();
  world.keys.own.set('w-2', 'bad');
  world.answer = (job) => (world.keys.keyOf(job.workspaceId) === 'bad' ? UNAUTHORIZED : ACCEPTED);
  world.add(...keys(10, { key: 'bad', workspaceId: 'w-2' }));
  await world.pass(20);
  return world;
}

describe('Dispatcher: a key for each workspace', () => {
  it('lets the workspace whose key is refused wait alone, and halts nothing', async () => {
    const world = await refused();
    const good = world.add(...keys(10, { key: 'good' }));
    await world.pass(500);
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
    expect([world.dispatcher.apiHealth.keysRefused, world.halts, world.keyRefusals]).toEqual([1, [], ['w-2']]);
  });

  it('probes a refused key after 1 s and then every 5 s, one call at a time, each with another ordering key', async () => {
    const world = await refused();
    const before = world.calls.length;
    await world.pass(20_990);
    const probes = world.calls.slice(before);
    expect(probes.map(({ atMs }) => atMs)).toEqual([1010, 6010, 11_010, 16_010, 21_010].slice(0, probes.length));
    expect(probes.length).toBeGreaterThanOrEqual(4);
    expect(new Set(probes.map(({ job }) => job.key)).size).toBe(probes.length);
  });

  it('warns once a minute for each key', async () => {
    const world = await refused();
    await world.pass(150_000);
    expect(world.keyRefusals).toEqual(['w-2', 'w-2', 'w-2']);
  });

  it('goes on at once with a new key', async () => {
    const world = await refused();
    await world.pass(100);
    const before = world.calls.length;
    world.keys.own.set('w-2', 'new');
    world.dispatcher.keysChanged((key) => world.keys.has(key));
    await world.pass(100);
    expect(world.calls.length - before).toBe(10);
    expect([...world.outcomes.values()].flat().every(({ outcome }) => outcome === 'accepted')).toBe(true);
    expect(world.dispatcher.apiHealth.keysRefused).toBe(0);
  });

  it('goes on by itself where the key works again', async () => {
    const world = await refused();
    await world.pass(7_000);
    world.answer = () => ACCEPTED;
    await world.pass(5_100);
    expect(world.outcomes.size).toBe(10);
  });

  it('halts where every key is refused, and goes on with the first that is not', async () => {
    const world = await refused();
    world.keys.own.set('w-3', 'bad');
    world.answer = () => UNAUTHORIZED;
    world.addOne({ key: 'bad', workspaceId: 'w-3' });
    const [usual] = world.add({ key: 'a' }, { key: 'b', workspaceId: 'w-4' });
    await world.pass(1_100);
    expect(world.halts[0]).toBe(true);
    world.answer = (job) => (job === usual ? ACCEPTED : UNAUTHORIZED);
    await world.pass(7_000);
    expect(world.halts.at(-1)).toBe(false);
    expect(usual && world.outcomeOf(usual)).toBe('accepted');
  });

  it('does not hold a 403 against commands with another key', async () => {
    const world = new World();
    world.keys.own.set('w-2', 'other');
    world.answer = (job) => (job.workspaceId === 'w-2' ? FORBIDDEN : ACCEPTED);
    const held = world.addOne({ key: 'held', workspaceId: 'w-2' });
    await world.pass(100);
    world.addOne({ key: 'good' });
    await world.pass(100);
    expect(world.outcomeOf(held)).toBeUndefined();
  });

  it('takes nothing from the limits for commands that wait for their key', async () => {
    const world = new World({ limits: limitsOf({ channel: { count: 1, periodMs: 1_000, burst: 1 } }) });
    world.keys.own.set('w-2', 'bad');
    world.answer = (job) => (job.workspaceId === 'w-2' ? UNAUTHORIZED : ACCEPTED);
    world.addOne({ key: 'bad', workspaceId: 'w-2' });
    await world.pass(900);
    world.add(...keys(3, { key: 'waits', workspaceId: 'w-2' }));
    const good = world.add(...keys(3, { key: 'good' }));
    await world.pass(4_000);
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
  });
});

describe('Dispatcher: after an outage, and beside a channel that hangs', () => {
  it('begins with few calls at once when the API comes back, and reaches them all in a second', async () => {
    const world = new World({ random: () => 0, latencyMs: () => 50 });
    world.answer = () => ({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: '' });
    world.add(...keys(500));
    await world.pass(200);
    expect(world.dispatcher.apiHealth.isDown).toBe(true);
    world.answer = () => ACCEPTED;
    const mostAtOnce: number[] = [];
    for (let i = 0; i < 60; i++) {
      await world.pass(50);
      if (!world.dispatcher.apiHealth.isDown) mostAtOnce.push(world.dispatcher.inFlight);
    }
    expect(mostAtOnce[0]).toBeLessThanOrEqual(5);
    expect(Math.max(...mostAtOnce)).toBeGreaterThan(50);
    await world.pass(10_000);
    expect(world.outcomes.size).toBe(500);
  });

  it('keeps at least 60 % of the rest going while a third of the calls hang until their deadline', async () => {
    const world = new World({ maxInFlight: 90, callTimeoutMs: 10_000 });
    const channels = ['whatsapp', 'telegram', 'messenger'] as const;
    let isHanging = false;
    let added = 0;
    world.latencyOf = (job) => (isHanging && job.channel === 'telegram' ? 10_000 : 50);
    const accepted = (): number => [...world.outcomes.keys()].filter((job) => job.channel !== 'telegram').length;
    const load = async (ms: number): Promise<number> => {
      const before = accepted();
      for (let passed = 0; passed < ms; passed += 50) {
        for (const channel of channels) {
          while (world.waitingOf(channel) < 200) world.addOne({ channel, key: `k-${added++}` });
        }
        await world.pass(50);
      }
      return accepted() - before;
    };
    const healthy = await load(3_000);
    isHanging = true;
    const meanwhile = await load(3_000);
    expect(meanwhile).toBeGreaterThanOrEqual(healthy * 0.6);
  });
});
