import { MemorySettledStore } from '../../src/settlement/memory-settled-store';
import type { Claim, ClaimAnswer, Progress, SettledAt, SettledStore } from '../../src/settlement/settled-store';
import { ACCEPTED, FakeSource, keys, limited, newJob, REFUSED, status, World } from './fixtures';

/** A store that answers in a later turn, as one in another process does. */
class SlowStore implements SettledStore {
  readonly inner = new MemorySettledStore({ ttlMs: 3_600_000, maxCommands: 1_000, nowMs: () => 0 });
  readonly isAvailable = true;
  readonly isDurable = true;
  readonly releases: string[] = [];
  /** What it answers instead, for as long as it is set. */
  instead: ClaimAnswer | null = null;
  /** Runs while a claim is on its way. */
  meanwhile: () => void = () => undefined;

  async claim(claim: Claim, progress: Progress): Promise<ClaimAnswer> {
    await Promise.resolve();
    this.meanwhile();
    return this.instead ?? this.inner.claim(claim, progress);
  }

  keep(claim: Claim, progress: Progress): void {
    this.inner.keep(claim, progress);
  }

  async remember(claim: Claim, at: SettledAt): Promise<void> {
    await Promise.resolve();
    this.inner.remember(claim, at);
  }

  release(claim: Claim, progress: Progress): void {
    this.releases.push(claim.key.slice(claim.key.lastIndexOf(':') + 1));
    this.inner.release(claim, progress);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

describe('Dispatcher: settled commands', () => {
  it.each([
    ['at once', undefined],
    ['in a later turn', new SlowStore()],
  ])(
    'sends a command once that is produced twice, and repeats its result, where the store answers %s',
    async (_, store) => {
      const world = new World(store === undefined ? {} : { store });
      const first = world.addOne({ key: 'a', id: 'same' });
      await world.pass(100);
      const second = world.addOne({ key: 'b', id: 'same' });
      await world.pass(100);
      expect(world.calls.map(({ job }) => job)).toEqual([first]);
      expect(world.endings.get(second)).toEqual({ ...world.endings.get(first), isReplay: true });
    },
  );

  it('lets the second record wait while the first is on the wire', async () => {
    const world = new World({ latencyMs: () => 700 });
    const [first, second] = world.add({ key: 'a', id: 'same' }, { key: 'b', id: 'same' });
    await world.pass(5_000);
    expect(world.calls.map(({ job }) => job)).toEqual([first]);
    expect(world.endings.get(second ?? newJob())).toMatchObject({ settled: { outcome: 'accepted' }, isReplay: true });
  });

  it('settles the second record at once where it follows the first on its key', async () => {
    const world = new World({ latencyMs: () => 10 });
    const [, second] = world.add({ key: 'a', id: 'same' }, { key: 'a', id: 'same' });
    await world.pass(11);
    expect(world.endings.get(second ?? newJob())).toMatchObject({ settled: { outcome: 'accepted' }, isReplay: true });
  });

  it('refuses another request under the same id', async () => {
    const world = new World();
    world.addOne({ key: 'a', id: 'same' });
    await world.pass(100);
    const other = world.addOne({ key: 'b', id: 'same', body: '{"other":1}' });
    await world.pass(100);
    expect(world.outcomes.get(other)).toMatchObject([{ outcome: 'invalid', attempts: 0 }]);
    expect(world.calls).toHaveLength(1);
  });

  it('tells workspaces apart', async () => {
    const world = new World();
    world.add({ key: 'a', id: 'same' }, { key: 'b', id: 'same', workspaceId: 'w-2' });
    await world.pass(100);
    expect(world.calls).toHaveLength(2);
  });

  it.each([
    ['at-least-once', 'accepted', 1, 4],
    ['at-most-once', 'in-doubt', 0, 3],
  ] as const)(
    'takes over what a dead process left in doubt: %s ends as %s',
    async (delivery, outcome, calls, attempts) => {
      const store = new SlowStore();
      const world = new World({ store });
      store.instead = { kind: 'in-doubt', progress: { attempts: 3, perhapsSent: true } };
      const job = world.addOne({ delivery });
      await world.pass(100);
      expect(world.calls).toHaveLength(calls);
      expect(world.outcomes.get(job)).toMatchObject([{ outcome, attempts }]);
    },
  );

  it.each([
    ['at-least-once', 1],
    ['at-most-once', 0],
  ] as const)('while the store is away, sends what is %s: %d calls', async (delivery, calls) => {
    const store = new SlowStore();
    const world = new World({ store });
    store.instead = { kind: 'unavailable' };
    const job = world.addOne({ delivery });
    await world.pass(20_000);
    expect(world.calls).toHaveLength(calls);
    store.instead = null;
    await world.pass(6_000);
    expect([world.calls.length, world.outcomeOf(job)]).toEqual([1, 'accepted']);
  });

  it.each<[string, (world: World) => void, (world: World) => void]>([
    ['its partition was lost', (world) => (world.source.maySend = false), (world) => (world.source.maySend = true)],
    ['the replica began to drain', (world) => void world.dispatcher.drain(), () => undefined],
  ])('sends nothing if %s while the claim was under way', async (_, happen, undo) => {
    const store = new SlowStore();
    const world = new World({ store });
    store.meanwhile = () => happen(world);
    world.addOne();
    await world.pass(1_000);
    expect(world.calls).toHaveLength(0);
    store.meanwhile = () => undefined;
    undo(world);
    await world.pass(1_000);
    expect(world.dispatcher.inFlight).toBe(0);
  });

  it('does not send into a pause that the API asked for while the claim was under way', async () => {
    const store = new SlowStore();
    const world = new World({ store });
    world.answer = () => limited(2_000);
    world.addOne({ key: 'a' });
    await world.pass(5);
    let isFirst = true;
    store.meanwhile = () => {
      // The refusal of the first call comes between.
      if (isFirst) world.clock.block(10);
      isFirst = false;
    };
    world.answer = () => ACCEPTED;
    world.addOne({ key: 'b' });
    await world.pass(4_000);
    expect(world.calls).toHaveLength(2);
  });

  it('gives back what it has claimed when it drains, and when the partition is lost', async () => {
    const store = new SlowStore();
    const world = new World({ store });
    world.answer = () => status(500);
    const [kept] = world.add({ key: 'a' });
    const lost = new FakeSource();
    const [gone] = world.add({ key: 'b', source: lost });
    await world.pass(50);
    lost.isOwned = false;
    world.dispatcher.discard(lost);
    expect(store.releases).toEqual([gone?.command.id]);
    await world.dispatcher.drain();
    expect(store.releases).toEqual([gone?.command.id, kept?.command.id]);
  });

  it('replays ten thousand settled commands without running out of stack', async () => {
    const world = new World();
    world.addOne({ key: 'a', id: 'same' });
    await world.pass(100);
    const jobs = world.add(...keys(10_000, { id: 'same' }));
    await world.pass(10);
    expect(jobs.filter((job) => world.outcomeOf(job) !== 'accepted')).toHaveLength(0);
    expect(world.calls).toHaveLength(1);
  });

  it('settles a redriven command anew although it was settled', async () => {
    const world = new World();
    world.answer = () => REFUSED;
    const failed = world.addOne({ key: 'a', id: 'same' });
    await world.pass(100_000);
    expect(world.outcomeOf(failed)).toBe('failed');
    world.answer = () => ACCEPTED;
    const redriven = world.addOne({ key: 'b', id: 'same', headers: { redrive: '0/17' } });
    const again = world.addOne({ key: 'c', id: 'same', headers: { redrive: '0/17' } });
    await world.pass(10_000);
    expect([world.endings.get(redriven)?.isReplay, world.endings.get(again)?.isReplay]).toEqual([false, true]);
  });
});

describe('Dispatcher: retry topics', () => {
  const delays = [
    { name: '1m', delayMs: 60_000 },
    { name: '1h', delayMs: 3_600_000 },
  ];

  it('parks what was not sent when its attempts in place are used up, and lets its key go on', async () => {
    const world = new World({ delays, maxAttempts: 2 });
    world.answer = (job) => (job === first ? REFUSED : ACCEPTED);
    const first = world.addOne();
    const second = world.addOne();
    await world.pass(10_000);
    expect(world.parked).toEqual([{ job: first, round: 1 }]);
    expect([world.outcomes.has(first), world.outcomeOf(second)]).toEqual([false, 'accepted']);
    expect(world.source.settledOffsets).toEqual([first.record.offset, second.record.offset]);
  });

  it('fails in the end what has been through all rounds, and counts the calls of all', async () => {
    const world = new World({ delays, maxAttempts: 2 });
    world.answer = () => REFUSED;
    const [origin] = [newJob()];
    const job = world.addOne({ parked: { origin: origin.record, round: 2, attempts: 4 } });
    await world.pass(10_000);
    expect(world.parked).toEqual([]);
    expect(world.outcomes.get(job)).toMatchObject([{ outcome: 'failed', attempts: 6 }]);
  });

  it('never parks what was perhaps sent', async () => {
    const world = new World({ delays, maxAttempts: 2 });
    world.answer = (job) => (job.calls === 0 ? status(500) : REFUSED);
    const job = world.addOne();
    await world.pass(10_000);
    expect([world.parked.length, world.outcomeOf(job)]).toEqual([0, 'failed']);
  });

  it('goes on with a parked command in its round, although the store has seen it', async () => {
    const world = new World({ delays, maxAttempts: 1 });
    world.answer = () => REFUSED;
    const job = world.addOne({ id: 'same' });
    await world.pass(10_000);
    world.answer = () => ACCEPTED;
    const returned = world.addOne({ id: 'same', parked: { origin: job.record, round: 1, attempts: 1 } });
    await world.pass(1_000);
    expect(world.outcomes.get(returned)).toMatchObject([{ outcome: 'accepted', attempts: 2 }]);
  });
});
