import { type LogRecord, World } from './world';

function records(count: number, of: (index: number) => Omit<LogRecord, 'offset'>, from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({ offset: from + index, ...of(index) }));
}

const big = (index: number) => ({ workspaceId: 'big', key: `b${index}` });
const small = (index: number) => ({ workspaceId: 'small', key: `s${index}` });

/** Reads until `isEnough`, with all that is in hand but what `stays` settled after each batch; returns the batches. */
function run(world: World, isEnough: () => boolean, stays: (record: LogRecord) => boolean = () => false): number {
  const before = world.batches;
  while (!isEnough()) {
    world.nowMs += 10;
    const hasRead = world.read(200);
    for (const [offset, record] of Array.from(world.inHand)) if (!stays(record)) world.settleAt(offset);
    if (!hasRead || world.batches - before > 20_000) break;
  }
  expect(isEnough()).toBe(true);
  return world.batches - before;
}

/** Whether all of a workspace's records are settled. */
function isDone(world: World, workspaceId: string): () => boolean {
  const waiting = world.log.filter((record) => record.workspaceId === workspaceId).reverse();
  return () => {
    while (world.settled.has(waiting.at(-1)?.offset ?? -1)) waiting.pop();
    return waiting.length === 0;
  };
}

describe('PassingOver', () => {
  it('finds a hundred behind forty thousand by reading past them once', () => {
    const log = [...records(40_000, big), ...records(100, small, 40_000)];
    const world = new World(log, 50);
    const batches = run(world, isDone(world, 'small'), ({ workspaceId }) => workspaceId === 'big');
    expect(batches).toBeLessThanOrEqual(Math.ceil(40_100 / 200) + 3);
  });

  it('gives second readings a quarter of the batches while there is something to read first', () => {
    const log = [...records(40_000, big), ...records(100, small, 40_000)];
    const world = new World(log, 50);
    const batches = run(world, isDone(world, 'small'));
    expect(batches).toBeLessThanOrEqual(Math.ceil((40_100 / 200) * (4 / 3)) + 5);
  });

  it('goes on with the others beside a workspace that waits with half of all records, also after a restart', () => {
    const log = records(32_000, (index) => (index % 2 === 0 ? big(index) : small(index)));
    const world = new World(log, 200);
    world.parts.set('big', 4);
    const stays = ({ workspaceId }: LogRecord) => workspaceId === 'big';
    run(world, () => world.settled.size >= 12_000, stays);
    world.commit('succeeds');
    expect([...world.forms]).toEqual(['rules']);
    world.restart();
    expect(world.settled.size).toBe(12_000);
    const batches = run(world, isDone(world, 'small'), stays);
    expect(batches).toBeLessThanOrEqual(2 * (32_000 / 200));
    expect(world.inHand.size).toBeLessThanOrEqual(4);
    world.commit('succeeds');
    expect(world.unfit).toBe(0);
    world.finish(20_000);
    expect(world.storedOffset).toBe(32_000);
  });

  it('keeps no more of one key than its part, and reads past the rest', () => {
    const log = records(30_000, (index) => (index % 3 === 0 ? { workspaceId: 'big', key: 'hot' } : big(index)));
    const world = new World(log, 200);
    const isHot = ({ key }: LogRecord) => key === 'hot';
    run(world, () => world.settled.size === 20_000, isHot);
    expect(world.inHand.size).toBe(world.keyPart);
    world.commit('succeeds');
    expect([...world.forms]).toEqual(['rules']);
    world.finish(20_000);
    expect(world.storedOffset).toBe(30_000);
  });

  it('follows a bounded number of workspaces, and starves none of ten thousand', () => {
    const log = records(20_000, (index) => ({ workspaceId: `w${index % 10_000}`, key: `k${index}` }));
    const world = new World(log, 1);
    run(world, () => world.settled.size === log.length);
    expect(world.passing.rules().length).toBeLessThanOrEqual(32);
  });

  it('lets a workspace in the bucket go on while those before it there wait', () => {
    const log = records(4_000, (index) => ({ workspaceId: `w${index % 40}`, key: `k${index}` }));
    const world = new World(log, 2);
    const waits = ({ workspaceId }: LogRecord) => Number(workspaceId.slice(1)) < 39;
    expect(run(world, isDone(world, 'w39'), waits)).toBeLessThan(1_000);
  });

  it('holds reading visibly where no marks could tell what is done, and goes on when the way is free', () => {
    // Too many workspaces wait for rules to tell of each.
    const log = records(50_000, (index) => ({
      workspaceId: index % 2 === 0 ? `w${(index / 2) % 400}` : 'small',
      key: `k${index}`,
    }));
    const world = new World(log, 200);
    for (let i = 0; i < 400; i++) world.parts.set(`w${i}`, 1);
    const waits = ({ workspaceId }: LogRecord) => workspaceId !== 'small';
    for (let i = 0; i < 2_000 && !world.passing.isHeld; i++) {
      world.read(200);
      for (const [offset, record] of Array.from(world.inHand)) if (!waits(record)) world.settleAt(offset);
    }
    expect(world.passing.isHeld).toBe(true);
    world.commit('succeeds');
    expect(world.unfit).toBe(0);
    world.finish(20_000);
    expect(world.storedOffset).toBe(50_000);
  });

  it('takes a key in order across workspaces: behind one that is passed over, and not longer than that', () => {
    const world = new World(
      [
        ...records(10, big),
        { offset: 10, workspaceId: 'big', key: 'shared' },
        { offset: 11, workspaceId: 'small', key: 'shared' },
        { offset: 12, workspaceId: 'small', key: 'free' },
      ],
      5,
    );
    world.read(100);
    expect([...world.inHand.keys()]).toEqual([0, 1, 2, 3, 4, 12]);
    world.settleAt(12);
    for (const offset of [0, 1, 2, 3, 4]) world.settleAt(offset);
    world.read(100);
    expect([...world.inHand.keys()]).toEqual([5, 6, 7, 8, 9]);
    for (const offset of [5, 6, 7, 8, 9]) world.settleAt(offset);
    world.read(100);
    expect([...world.inHand.keys()]).toEqual([10, 11]);
  });
});
