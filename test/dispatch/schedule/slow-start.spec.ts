import { SlowStart } from '../../../src/dispatch/schedule/slow-start';
import { World } from '../fixtures';

describe('the slow start of a new process', () => {
  it('lets four commands be on their way, four more with each outcome that is written, and all in the end', () => {
    const start = new SlowStart(12);
    expect(start.waitMs(3, 1_000)).toBe(0);
    expect(start.waitMs(4, 1_000)).toBe(1_000);
    start.written();
    expect(start.waitMs(7, 1_000)).toBe(0);
    expect(start.waitMs(8, 1_400)).toBe(600);
    start.written();
    expect(start.isOver).toBe(true);
    expect(start.waitMs(1_000, 1_500)).toBe(0);
  });

  it('ends a second after the first call, however few were written', () => {
    const start = new SlowStart(256);
    expect(start.waitMs(0, 5_000)).toBe(0);
    expect(start.waitMs(4, 5_999)).toBe(1);
    expect(start.waitMs(4, 6_000)).toBe(0);
    expect(start.isOver).toBe(true);
  });

  it('limits nothing where the usual limit is lower', () => {
    expect(new SlowStart(2).waitMs(2, 0)).toBe(0);
  });
});

describe('Dispatcher: slow start', () => {
  const keys = Array.from({ length: 100 }, (_, n) => ({ key: `k-${n}` }));

  it('counts a command until its outcome is acknowledged, and goes on by itself', async () => {
    const world = new World({ isSlowAtFirst: true, settleMs: () => 30 });
    world.add(...keys);
    await world.pass(39);
    expect(world.calls).toHaveLength(4);
    await world.pass(1);
    expect(world.calls).toHaveLength(24);
    await world.pass(1_000);
    expect(world.outcomes.size).toBe(100);
  });

  it('lets calls that hang hold back the others for a second at most', async () => {
    const world = new World({ isSlowAtFirst: true, latencyMs: () => 9_000 });
    world.add(...keys);
    await world.pass(999);
    expect(world.calls).toHaveLength(4);
    await world.pass(1);
    expect(world.calls).toHaveLength(100);
  });
});
