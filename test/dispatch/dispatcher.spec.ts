import {
  ACCEPTED,
  FakeSource,
  FORBIDDEN,
  keys,
  limited,
  limitsOf,
  REFUSED,
  REJECTED,
  status,
  TIMED_OUT,
  UNAUTHORIZED,
  World,
} from './fixtures';

describe('Dispatcher: retries', () => {
  it('makes the next call before it writes down what the last one came to', async () => {
    const world = new World({ maxInFlight: 1 });
    const [first, second] = world.add({ key: 'a' }, { key: 'b' });
    let wereWritten = -1;
    world.latencyOf = (job) => {
      if (job === second) wereWritten = world.outcomes.size;
      return 10;
    };
    await world.pass(50);
    expect(wereWritten).toBe(0);
    expect([...world.outcomes.keys()]).toEqual([first, second]);
  });

  it('sends again after waits with full jitter, and gives up when the attempts are used up', async () => {
    const world = new World({ random: () => 0.5 });
    world.answer = () => status(500);
    const job = world.addOne();
    await world.pass(10_000);
    // 10 ms on the wire each; half of 200, 400, 800 and 1,600 ms between.
    expect(world.callTimesOf(job)).toEqual([0, 110, 320, 730, 1540]);
    expect(world.outcomes.get(job)).toEqual([
      { outcome: 'failed', response: { id: '', status: '', error: 'HTTP 500' }, attempts: 5, httpStatus: 500 },
    ]);
    expect(world.source.settledOffsets).toEqual([job.record.offset]);
  });

  it('counts every call in the attempts of a command that succeeds in the end', async () => {
    const world = new World();
    world.answer = (job) => (job.calls < 2 ? REFUSED : ACCEPTED);
    const job = world.addOne();
    await world.pass(5000);
    expect(world.outcomes.get(job)).toMatchObject([{ outcome: 'accepted', attempts: 3, httpStatus: 200 }]);
  });

  it('holds no slot for a waiting retry, and keeps the turn of its key', async () => {
    const world = new World({ maxInFlight: 1 });
    world.answer = (job) => (job === first && job.calls === 0 ? status(500) : ACCEPTED);
    const [first, second, other] = world.add({ key: 'a' }, { key: 'a' }, { key: 'b' });
    await world.pass(5000);
    expect(world.calls.map(({ job }) => job)).toEqual([first, other, first, second]);
  });

  it('goes on with the next command of a key while the last one is being settled', async () => {
    const world = new World({ settleMs: () => 1000 });
    const [, second] = world.add({}, {});
    await world.pass(100);
    expect(world.outcomeOf(second ?? world.addOne())).toBe('accepted');
    expect(world.source.settledOffsets).toEqual([]);
  });

  it('ends as in doubt what was perhaps sent at most once', async () => {
    const world = new World();
    world.answer = () => TIMED_OUT;
    const job = world.addOne({ delivery: 'at-most-once' });
    await world.pass(1000);
    expect(world.outcomes.get(job)).toMatchObject([{ outcome: 'in-doubt', attempts: 1 }]);
  });
});

describe('Dispatcher: expiry', () => {
  it('does not send what has expired, and takes nothing from the limits for it', async () => {
    const world = new World({ limits: limitsOf({ channel: { count: 1, periodMs: 1000, burst: 1 } }) });
    const expiresAtMs = world.clock.wallMs() - 1;
    const [expired, other] = world.add({ key: 'a', expiresAtMs }, { key: 'b' });
    await world.pass(10);
    expect(world.calls.map(({ job }) => job)).toEqual([other]);
    expect(world.outcomes.get(expired ?? world.addOne())).toMatchObject([
      { outcome: 'expired', attempts: 0, httpStatus: null },
    ]);
  });

  it.each([
    ['expired where no earlier call was perhaps sent', REFUSED, 'expired'],
    ['failed where an earlier call was perhaps sent', status(500), 'failed'],
  ])('does not send again what has expired meanwhile: it ends as %s', async (_, result, outcome) => {
    const world = new World();
    world.answer = () => result;
    const job = world.addOne({ expiresAtMs: world.clock.wallMs() + 50 });
    await world.pass(1000);
    expect([world.calls.length, world.outcomeOf(job)]).toEqual([1, outcome]);
  });
});

describe('Dispatcher: limits of the API', () => {
  it('lets the whole workspace wait on that channel as told, and uses up no attempt', async () => {
    const world = new World();
    let isLimited = true;
    world.answer = (job) => (isLimited && job.key === 'a' ? limited(3000) : ACCEPTED);
    const refused = world.addOne({ key: 'a' });
    await world.pass(20);
    isLimited = false;
    const [same, elsewhere, other] = world.add(
      { key: 'b' },
      { key: 'c', channel: 'telegram' },
      { key: 'd', workspaceId: 'w-2' },
    );
    await world.pass(2980);
    expect(world.calls.map(({ job }) => job)).toEqual([refused, elsewhere, other]);
    await world.pass(1000);
    expect(new Set(world.calls.slice(3).map(({ job }) => job))).toEqual(new Set([refused, same]));
    expect(world.calls[3]?.atMs).toBeGreaterThanOrEqual(3010);
    expect(world.outcomes.get(refused)).toMatchObject([{ outcome: 'accepted', attempts: 2 }]);
  });

  it('ends no command that everybody is limited with, however often', async () => {
    const world = new World();
    world.answer = () => limited(100);
    const jobs = world.add(...keys(5));
    await world.pass(60_000);
    world.answer = () => ACCEPTED;
    await world.pass(1000);
    expect(jobs.map((job) => world.outcomeOf(job))).toEqual(jobs.map(() => 'accepted'));
  });

  it('waits no longer than the cap, and with backoff where no time is named', async () => {
    const world = new World();
    world.answer = (job) => (job.calls > 0 ? ACCEPTED : limited(job.key === 'long' ? 1e9 : null));
    const [long, unnamed] = world.add({ key: 'long', workspaceId: 'w-1' }, { key: 'unnamed', workspaceId: 'w-2' });
    await world.pass(3_700_000);
    expect(world.callTimesOf(long ?? world.addOne())).toEqual([0, 3_600_010]);
    expect(world.callTimesOf(unnamed ?? world.addOne())).toEqual([0, 110]);
  });

  it('does not take many refusals at once for many in a row', async () => {
    const world = new World({ random: () => 0.999 });
    world.answer = (job) => (job.calls === 0 ? limited(null) : ACCEPTED);
    world.add(...keys(100));
    await world.pass(300);
    expect(world.outcomes.size).toBe(100);
  });

  it('fails a command that alone is limited while others of its workspace succeed', async () => {
    const world = new World();
    world.answer = (job) => (job.key === 'bad' ? limited(10) : ACCEPTED);
    const bad = world.addOne({ key: 'bad' });
    for (let i = 0; i < 200; i++) {
      world.addOne({ key: `good-${i}` });
      await world.pass(20);
    }
    expect(world.outcomes.get(bad)).toMatchObject([{ outcome: 'failed', httpStatus: 429 }]);
    expect(world.outcomes.size).toBe(201);
  });
});

describe('Dispatcher: a recipient that is limited for ever', () => {
  const oneAtATime = { count: 20, periodMs: 1_000, burst: 1 };

  it.each([
    ['one slot', { maxInFlight: 1 }],
    ['one token at a time for the workspace', { limits: limitsOf({ workspace: oneAtATime }) }],
    ['one token at a time for the channel', { limits: limitsOf({ channel: oneAtATime }) }],
  ])('takes no turn from the others of its workspace, with %s', async (_, options) => {
    const world = new World(options);
    world.answer = (job) => (job.key === 'bad' ? limited(100) : ACCEPTED);
    const bad = world.addOne({ key: 'bad' });
    const good = world.add(...keys(50, { key: 'good' }));
    await world.pass(15_000);
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
    for (let i = 0; i < 200; i++) {
      world.addOne({ key: `more-${i}` });
      await world.pass(200);
    }
    expect(world.outcomeOf(bad)).toBe('failed');
  });
});

describe('Dispatcher: the credential', () => {
  it('holds everything after a 401, settles nothing, and resumes by itself', async () => {
    const world = new World();
    world.answer = () => UNAUTHORIZED;
    const jobs = world.add(...keys(30));
    await world.pass(100);
    expect([world.dispatcher.apiHealth.keysRefused, world.halts, world.keyRefusals]).toEqual([1, [], ['w-1']]);
    const before = world.calls.length;
    await world.pass(20_900);
    // Probes at 1 s after the first answer, then every 5 s.
    expect(world.calls.slice(before).map(({ atMs }) => atMs)).toEqual([1010, 6010, 11_010, 16_010]);
    expect(world.outcomes.size).toBe(0);
    world.answer = () => ACCEPTED;
    await world.pass(1000);
    expect(jobs.map((job) => world.outcomeOf(job))).toEqual(jobs.map(() => 'accepted'));
  });

  it('rejects a command with a 403 once another one has succeeded since, counting its calls', async () => {
    const world = new World();
    world.answer = (job) => (job.key === 'bad' ? FORBIDDEN : ACCEPTED);
    const bad = world.addOne({ key: 'bad' });
    await world.pass(100);
    expect(world.outcomeOf(bad)).toBeUndefined();
    world.addOne({ key: 'good' });
    await world.pass(100);
    expect(world.outcomes.get(bad)).toMatchObject([
      {
        outcome: 'rejected',
        attempts: 1,
        httpStatus: 403,
        response: { id: 'm-403', status: 'refused', error: 'not allowed' },
      },
    ]);
  });

  it.each([
    ['a timeout under at-most-once', TIMED_OUT],
    ['a limit', limited(60_000)],
    ['a rejection', REJECTED],
  ])('does not take %s for the success that decides a 403', async (_, result) => {
    const world = new World();
    world.answer = (job) => (job.key === 'bad' ? FORBIDDEN : result);
    const bad = world.addOne({ key: 'bad' });
    await world.pass(100);
    world.addOne({ key: 'other', delivery: 'at-most-once', workspaceId: 'w-2' });
    await world.pass(1000);
    expect(world.outcomeOf(bad)).toBeUndefined();
  });

  it('keeps the turn of the key of a held command, and rejects it at the third 403 where nothing else decides', async () => {
    const world = new World();
    world.answer = (job) => (job.command.id === bad.command.id ? FORBIDDEN : ACCEPTED);
    const bad = world.addOne();
    const next = world.addOne();
    await world.pass(10_005);
    expect(world.callTimesOf(next)).toEqual([]);
    await world.pass(100);
    expect(world.callTimesOf(bad)).toEqual([0, 5010, 10_020]);
    expect([world.outcomeOf(bad), world.outcomeOf(next)]).toEqual(['rejected', 'accepted']);
  });

  it('takes 20 held commands for a 401, and ends none of them for it', async () => {
    const world = new World();
    world.answer = () => FORBIDDEN;
    const jobs = world.add(...keys(25));
    await world.pass(60_000);
    expect([world.dispatcher.apiHealth.keysRefused, world.outcomes.size]).toEqual([1, 0]);
    world.answer = () => ACCEPTED;
    await world.pass(10_000);
    expect(jobs.map((job) => world.outcomeOf(job))).toEqual(jobs.map(() => 'accepted'));
  });

  it('comes back although a command that is forbidden for itself is in the way', async () => {
    const world = new World({ maxInFlight: 20 });
    world.answer = () => FORBIDDEN;
    const bad = world.add(...keys(20, { key: 'bad' }));
    await world.pass(100);
    expect(world.dispatcher.apiHealth.keysRefused).toBe(1);
    world.answer = (job) => (bad.includes(job) ? FORBIDDEN : ACCEPTED);
    const good = world.add(...keys(5, { key: 'good', lane: 'bulk' }));
    await world.pass(200_000);
    expect(good.map((job) => world.outcomeOf(job))).toEqual(good.map(() => 'accepted'));
  });
});

describe('Dispatcher: partitions and shutdown', () => {
  it('forgets the waiting commands of a lost partition and settles those on the wire', async () => {
    const world = new World({ maxInFlight: 1 });
    const [sent, waiting] = world.add({ key: 'a' }, { key: 'b' });
    world.source.isOwned = false;
    world.dispatcher.discard(world.source);
    await world.pass(1000);
    expect(world.source.forgottenOffsets).toEqual([waiting?.record.offset]);
    expect(world.source.settledOffsets).toEqual([sent?.record.offset]);
    expect([world.dispatcher.inFlight, world.dispatcher.waiting]).toEqual([0, 0]);
  });

  it('forgets a command of a lost partition whose call would have to be made again', async () => {
    const world = new World();
    world.answer = () => status(500);
    const job = world.addOne();
    world.source.isOwned = false;
    world.dispatcher.discard(world.source);
    await world.pass(5000);
    expect([world.source.forgottenOffsets, world.calls.length, world.outcomes.size]).toEqual([
      [job.record.offset],
      1,
      0,
    ]);
  });

  it('takes back a call that was not made since its permit was withdrawn meanwhile, and counts no attempt', async () => {
    const world = new World({ maxInFlight: 1 });
    world.connectMs = 50;
    const [job, other] = world.add({ key: 'a' }, { key: 'b', source: new FakeSource() });
    world.source.maySend = false;
    await world.pass(150);
    expect(world.calls.map((call) => call.job)).toEqual([other]);
    world.source.maySend = true;
    await world.pass(1000);
    expect(world.outcomeOf(job ?? world.addOne())).toBe('accepted');
    expect(job?.calls).toBe(1);
  });

  it('forgets a command whose partition was lost before its call could leave', async () => {
    const world = new World();
    world.connectMs = 50;
    const job = world.addOne();
    Object.assign(world.source, { isOwned: false, maySend: false });
    world.dispatcher.discard(world.source);
    await world.pass(1000);
    expect(world.calls).toEqual([]);
    expect(world.source.forgottenOffsets).toEqual([job.record.offset]);
    expect(world.dispatcher.inFlight).toBe(0);
  });

  it('leaves other partitions alone', async () => {
    const world = new World({ maxInFlight: 1 });
    const other = new FakeSource();
    const [, lost, kept] = world.add({ key: 'a' }, { key: 'b' }, { key: 'b', source: other });
    world.dispatcher.discard(world.source);
    await world.pass(1000);
    expect([world.outcomeOf(lost ?? world.addOne()), world.outcomeOf(kept ?? world.addOne())]).toEqual([
      undefined,
      'accepted',
    ]);
  });

  it('drains: starts nothing more, and waits for the wire and for settlements, however often it is asked', async () => {
    const world = new World({ maxInFlight: 1, settleMs: () => 5000 });
    world.add({ key: 'a' }, { key: 'b' });
    const ends: string[] = [];
    void world.dispatcher.drain().then(() => ends.push('first'));
    void world.dispatcher.drain().then(() => ends.push('second'));
    await world.pass(5009);
    expect(ends).toEqual([]);
    await world.pass(1);
    expect([ends, world.calls.length]).toEqual([['first', 'second'], 1]);
    await world.dispatcher.drain();
  });

  it('drains at once where nothing is on the wire, and leaves no timer and nothing overdue', async () => {
    const world = new World();
    world.answer = () => status(500);
    world.addOne();
    await world.pass(50);
    expect(world.clock.timerCount).toBe(1);
    await world.dispatcher.drain();
    expect(world.clock.timerCount).toBe(0);
    world.clock.block(60_000);
    expect(world.dispatcher.overdueMs()).toBe(0);
  });

  it('never has more calls on the wire than it may', async () => {
    const world = new World({ maxInFlight: 7, latencyMs: () => 1000 });
    world.add(...keys(50));
    expect([world.calls.length, world.dispatcher.inFlight, world.dispatcher.waiting]).toEqual([7, 7, 43]);
    await world.pass(1001);
    expect([world.calls.length, world.dispatcher.inFlight]).toEqual([14, 7]);
  });

  it('is overdue by what a call has outlived its deadline, and by a wake-up that did not come', async () => {
    const stuck = new World({ latencyMs: () => 1e9, callTimeoutMs: 1000 });
    stuck.addOne();
    await stuck.pass(900);
    expect(stuck.dispatcher.overdueMs()).toBe(0);
    await stuck.pass(3100);
    expect(stuck.dispatcher.overdueMs()).toBe(3000);

    const asleep = new World();
    asleep.answer = () => status(500);
    asleep.addOne();
    await asleep.pass(20);
    asleep.clock.block(5000);
    expect(asleep.dispatcher.overdueMs()).toBe(4910);
  });
});
