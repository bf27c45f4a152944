import { Redis } from 'ioredis';
import type { ClaimAnswer, Progress } from '../../src/settlement/settled-store';
import { withScripts } from '../../src/settlement/settled-scripts';
import { until } from '../deadline';
import { CountingProxy, RedisBed } from './redis-bed';
import { aClaim, ended, NOTHING, reread, TRIED } from './store-fixtures';

let bed: RedisBed;

beforeAll(async () => {
  bed = await RedisBed.start();
});

afterEach(() => bed.stopProcesses());
afterAll(() => bed.stop());

const CLAIMED_ELSEWHERE: ClaimAnswer = { kind: 'claimed-elsewhere' };
const UNAVAILABLE: ClaimAnswer = { kind: 'unavailable' };

function claimed(progress: Progress = NOTHING): ClaimAnswer {
  return { kind: 'claimed', progress };
}

function inDoubt(attempts: number): ClaimAnswer {
  return { kind: 'in-doubt', progress: { attempts, perhapsSent: true } };
}

describe('the settled-command store in Redis', () => {
  it('lets a command be sent once, and answers every process how it ended', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const claim = aClaim({ key: 'whatsapp:10:wörk:space:c-ö' });
    expect(await one.store.claim(claim, NOTHING)).toEqual(claimed());
    await one.store.remember(claim, ended('in-doubt'));
    expect(await other.store.claim(reread(claim), NOTHING)).toEqual({ kind: 'settled', at: ended('in-doubt') });
    expect(one.store).toMatchObject({ isDurable: true, isAvailable: true });
  });

  it('refuses another request with a known id, from every process', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, NOTHING);
    for (const { store } of [one, other]) {
      expect(await store.claim({ ...claim, digest: 'digest-b' }, NOTHING)).toEqual({ kind: 'other-request' });
    }
  });

  it('refuses a command while a live process has claimed it', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, NOTHING);
    expect(await other.store.claim(claim, NOTHING)).toEqual(CLAIMED_ELSEWHERE);
    expect(await one.store.claim(reread(claim), NOTHING)).toEqual(CLAIMED_ELSEWHERE);
    one.store.keep(claim, TRIED);
    await bed.untilWritten(one);
    expect(await other.store.claim(claim, NOTHING)).toEqual(CLAIMED_ELSEWHERE);
  });

  it('renews its lease for as long as it lives, and its command is in doubt once that has lapsed', async () => {
    const [one, other] = [await bed.process({ leaseMs: 2_000 }), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, TRIED);
    let leftMs = await bed.admin.pttl(one.leaseKey);
    await until(async () => {
      const before = leftMs;
      leftMs = await bed.admin.pttl(one.leaseKey);
      return leftMs > before;
    }, 'the lease is renewed');
    expect(await other.store.claim(claim, NOTHING)).toEqual(CLAIMED_ELSEWHERE);
    await one.store.stop();
    await until(async () => (await bed.admin.exists(one.leaseKey)) === 0, 'the lease has lapsed');
    expect(await other.store.claim(claim, NOTHING)).toEqual(inDoubt(3));
  });

  it('leaves a command in doubt until it is kept or settled, also after a release', async () => {
    const [one, other, third] = [await bed.process(), await bed.process(), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, NOTHING);
    await bed.die(one);
    expect(await other.store.claim(claim, NOTHING)).toEqual(inDoubt(1));
    expect(await other.store.claim(claim, NOTHING)).toEqual(inDoubt(1));
    other.store.release(claim, NOTHING);
    await bed.untilWritten(other);
    expect(await third.store.claim(claim, NOTHING)).toEqual(inDoubt(1));
    third.store.keep(claim, { attempts: 2, perhapsSent: true });
    expect(await third.store.claim(claim, NOTHING)).toEqual(claimed({ attempts: 2, perhapsSent: true }));
  });

  it('keeps the calls of a command whose process died while the command waited', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, NOTHING);
    one.store.keep(claim, TRIED);
    await bed.untilWritten(one);
    await bed.die(one);
    expect(await other.store.claim(claim, NOTHING)).toEqual(claimed(TRIED));
  });

  it('lets others claim a released command at once', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const [tried, fresh] = [aClaim(), aClaim()];
    for (const claim of [tried, fresh]) await one.store.claim(claim, NOTHING);
    one.store.release(tried, TRIED);
    one.store.release(fresh, NOTHING);
    await bed.untilWritten(one);
    expect(await other.store.claim(tried, NOTHING)).toEqual(claimed(TRIED));
    expect(await other.store.claim({ ...fresh, digest: 'digest-b' }, NOTHING)).toEqual(claimed());
  });

  it('lets a new redrive send a command once, and restores the outcome if that is released', async () => {
    const { store } = await bed.process();
    const claim = aClaim();
    await store.remember(claim, ended('failed'));
    const redriven = reread(claim, { redrive: 'r-1' });
    expect(await store.claim(redriven, NOTHING)).toEqual(claimed());
    store.release(redriven, NOTHING);
    expect(await store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended('failed') });
    expect(await store.claim(redriven, NOTHING)).toEqual(claimed());
    await store.remember(redriven, ended());
    for (const again of [claim, redriven]) {
      expect(await store.claim(again, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    }
  });

  it('remembers how a command ended, whoever has claimed it by then, but keeps the first outcome', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const claim = aClaim();
    await one.store.claim(claim, NOTHING);
    await bed.die(one);
    await other.store.claim(claim, NOTHING);
    await one.store.remember(claim, ended('accepted', 'first'));
    await other.store.remember(claim, ended('accepted', 'second'));
    expect(await other.store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended('accepted', 'first') });
  });

  it.each([
    ['has another type', (key: string) => bed.admin.rpush(key, 'x')],
    ['is damaged', (key: string) => bed.admin.set(key, 'x')],
    ['is of a newer version', (key: string) => bed.admin.set(key, Buffer.from([0x92, 2, 0xa1, 0x73]))],
  ])('claims a command as in doubt if its entry %s', async (_, damage) => {
    const { store } = await bed.process();
    const claim = aClaim();
    await damage(`test:settled:${claim.key}`);
    expect(await store.claim(claim, NOTHING)).toEqual(inDoubt(0));
    await store.remember(claim, ended());
    expect(await store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended() });
  });

  it('gives every key a time to live', async () => {
    const one = await bed.process({ prefix: 'ttl:' });
    const [inHand, kept, released, done] = [aClaim(), aClaim(), aClaim(), aClaim()];
    for (const claim of [inHand, kept, released, done]) await one.store.claim(claim, NOTHING);
    one.store.keep(kept, TRIED);
    one.store.release(released, TRIED);
    await one.store.remember(done, ended());
    const keys = await bed.admin.keys('ttl:*');
    const ttls = await Promise.all(keys.map((key) => bed.admin.pttl(key)));
    const hours = ttls.map((ttl) => Math.ceil(ttl / 3_600_000)).toSorted((a, b) => a - b);
    expect(hours).toEqual([1, 1, 24, 24, 24]);
  });

  it('sends all requests of one turn of the event loop together', async () => {
    const proxy = new CountingProxy(bed.server.url);
    try {
      const { store } = await bed.process({ url: await proxy.listen() });
      await store.claim(aClaim(), NOTHING);
      const before = proxy.pieces;
      const claims = Array.from({ length: 100 }, () => aClaim());
      const answers = await Promise.all(claims.map((claim) => store.claim(claim, NOTHING)));
      expect(answers).toEqual(claims.map(() => claimed()));
      expect(proxy.pieces - before).toBe(1);
      await Promise.all(claims.map((claim) => store.remember(claim, ended())));
      // The first request of a script carries the script itself.
      expect(proxy.pieces - before).toBe(2);
      await store.stop();
    } finally {
      proxy.close();
    }
  });

  it('works on after Redis has lost its scripts or its data', async () => {
    const one = await bed.process();
    const claims = Array.from({ length: 5 }, () => aClaim());
    await one.store.claim(aClaim(), NOTHING);
    await bed.admin.script('FLUSH');
    const answers = await Promise.all(claims.map((claim) => one.store.claim(claim, NOTHING)));
    expect(answers).toEqual(claims.map(() => claimed()));
    await bed.admin.flushall();
    const other = await bed.process();
    expect(await one.store.claim(aClaim({ key: 'after' }), NOTHING)).toEqual(claimed());
    expect(await other.store.claim(aClaim({ key: 'after' }), NOTHING)).toEqual(CLAIMED_ELSEWHERE);
    expect(one.changes).toEqual([true]);
  });

  it('refuses late commands of an older connection of the process', async () => {
    const { leaseKey, store } = await bed.process();
    const claim = aClaim();
    await store.claim(claim, NOTHING);
    const redis = withScripts(new Redis(bed.server.url));
    const key = `test:settled:${claim.key}`;
    const processId = leaseKey.slice('test:lease:'.length);
    expect(await redis.settledRelease(leaseKey, key, 0, 60_000, processId, claim.record, 0, 0, 1_000, 1_000)).toEqual([
      'stale',
    ]);
    expect(await redis.exists(key)).toBe(1);
    redis.disconnect();
  });
});

describe('the settled-command store without its Redis', () => {
  // A test that fails half-way must not make the others fail.
  afterEach(async () => {
    await bed.server.resume();
    await bed.server.start();
  });

  it('says so and writes what it was told when Redis is back', async () => {
    const one = await bed.process();
    const [settled, waiting] = [aClaim(), aClaim()];
    await one.store.claim(settled, NOTHING);
    await bed.server.kill();
    await until(() => !one.store.isAvailable, 'Redis is missed');
    expect(await one.store.claim(aClaim(), NOTHING)).toEqual(UNAVAILABLE);
    await one.store.remember(settled, ended());
    one.store.keep(waiting, TRIED);

    await bed.server.start();
    await until(() => one.store.isAvailable, 'Redis is found');
    expect(await one.store.claim(settled, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    expect(one.changes).toEqual([true, false, true]);
    expect(one.lines).toEqual([
      'info Redis is available {}',
      expect.stringMatching(/^warn Redis is away, connecting anew until it is back {"reason":"[a-zA-Z ]+"}$/),
      'info Redis is available {}',
    ]);
  });

  it('starts without Redis, and finds it later', async () => {
    await bed.server.kill();
    const one = await bed.process();
    expect(one.changes).toEqual([false]);
    expect(one.lines).toEqual([expect.stringContaining('"reason":"ECONNREFUSED"')]);
    await bed.server.start();
    await until(() => one.store.isAvailable, 'Redis is found');
    expect(await one.store.claim(aClaim(), NOTHING)).toEqual(claimed());
  });

  it('stops waiting for a Redis that hangs, and releases claims without an answer when it is back', async () => {
    const [one, other] = [await bed.process(), await bed.process()];
    const [claim, waiting] = [aClaim(), aClaim()];
    await one.store.claim(waiting, NOTHING);
    await bed.server.pause();
    try {
      one.store.keep(waiting, TRIED);
      const answers = await Promise.all([claim, waiting].map((unheard) => one.store.claim(unheard, TRIED)));
      expect(answers).toEqual([UNAVAILABLE, UNAVAILABLE]);
      expect(await one.store.claim(aClaim(), NOTHING)).toEqual(UNAVAILABLE);
    } finally {
      await bed.server.resume();
    }
    await until(() => one.store.isAvailable && other.store.isAvailable, 'Redis is found');
    expect(await other.store.claim(claim, NOTHING)).toEqual(claimed(TRIED));
    expect(await other.store.claim(waiting, NOTHING)).toEqual(claimed(TRIED));
  });

  it('claims the command at the next attempt if the first answer was lost', async () => {
    const one = await bed.process();
    const claim = aClaim();
    await bed.server.pause();
    const answer = one.store.claim(claim, TRIED);
    // The server reads the claim only after the client has gone.
    expect(await answer).toEqual(UNAVAILABLE);
    await bed.server.resume();
    await until(() => one.store.isAvailable, 'Redis is found');
    expect(await one.store.claim(claim, TRIED)).toEqual(claimed(TRIED));
  });

  it.each([
    [
      'is full',
      () => bed.admin.config('SET', 'maxmemory', '1'),
      () => bed.admin.config('SET', 'maxmemory', '0'),
      'OOM',
    ],
    ['may only read', () => bed.admin.replicaof('127.0.0.1', 1), () => bed.admin.replicaof('NO', 'ONE'), 'READONLY'],
  ])('counts it as away while it %s', async (_, breakIt, mendIt, reason) => {
    const one = await bed.process();
    const claim = aClaim();
    await breakIt();
    try {
      expect(await one.store.claim(claim, NOTHING)).toEqual(UNAVAILABLE);
      await one.store.remember(claim, ended());
      expect(one.lines.at(-1)).toContain(`"reason":"${reason}"`);
    } finally {
      await mendIt();
    }
    await until(() => one.store.isAvailable, 'Redis is found');
    expect(await one.store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    expect(one.changes).toEqual([true, false, true]);
  });
});

describe('the settled-command store whose Redis wants a password', () => {
  const withUser = (user: string): string => bed.server.url.replace('redis://', `redis://${user}@`);

  beforeAll(() => bed.admin.config('SET', 'requirepass', 'right'));
  afterAll(() => bed.admin.config('SET', 'requirepass', ''));

  it('starts with the right one', async () => {
    const { store } = await bed.process({ url: withUser(':right') });
    expect(store.isAvailable).toBe(true);
  });

  it.each([
    ['a wrong one', ':planted'],
    ['a wrong user', 'planted:right'],
    ['none', ''],
  ])('refuses to start with %s, by the name of its setting and without its value', async (_, user) => {
    const started = bed.process({ url: user === '' ? bed.server.url : withUser(user) });
    await expect(started).rejects.toThrow(/^REDIS_URL: Redis refuses/);
    await expect(started).rejects.not.toThrow(/planted/);
  });
});

describe('the settled-command store at its end', () => {
  it('deletes its lease if it has no claims, else keeps it', async () => {
    const [idle, busy] = [await bed.process(), await bed.process()];
    const claim = aClaim();
    await idle.store.claim(claim, NOTHING);
    void idle.store.remember(claim, ended());
    void busy.store.claim(aClaim(), NOTHING);
    await Promise.all([idle.store.stop(), busy.store.stop(), busy.store.stop()]);
    expect(await bed.admin.exists(idle.leaseKey)).toBe(0);
    expect(await bed.admin.exists(busy.leaseKey)).toBe(1);
    expect(await idle.store.claim(claim, NOTHING)).toEqual(UNAVAILABLE);
    const other = await bed.process();
    expect(await other.store.claim(claim, NOTHING)).toEqual({ kind: 'settled', at: ended() });
    expect(idle.lines).toEqual(['info Redis is available {}']);
  });

  it('comes while Redis hangs, and while it is gone', async () => {
    const one = await bed.process();
    await bed.server.pause();
    void one.store.remember(aClaim(), ended());
    await expect(one.store.stop()).resolves.toBeUndefined();
    await bed.server.kill();
    const other = await bed.process();
    await expect(other.store.stop()).resolves.toBeUndefined();
    await bed.server.start();
  });

  it('can stop before its start', async () => {
    const one = await bed.process();
    await one.store.stop();
    await expect(one.store.start()).resolves.toBeUndefined();
    expect(one.store.isAvailable).toBe(false);
  });
});
