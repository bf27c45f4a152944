import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_CHANNELS } from '../../lib/operations.ts';
import { cpuSeconds, peakMemoryMib } from '../../lib/process-usage.ts';
import type { Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import { idleTarget, memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const SETTLE_IN_MS = 3_000;
const WINDOW_MS = 20_000;

/** The cost of waiting for commands on all four channels. */
export const idle: Workload = async (bench) => {
  await using bed = await TestBed.prepare(bench, 'idle', {}, ALL_CHANNELS);
  await using service = await bed.startService();
  const { pid } = service.child;
  await bed.warmUp({ name: 'idle', recipients: 1_000 });
  await sleep(SETTLE_IN_MS, undefined, { signal: bench.signal });
  const before = await cpuSeconds(pid);
  await sleep(WINDOW_MS, undefined, { signal: bench.signal });
  const used = (await cpuSeconds(pid)) - before;
  return new Figures('idle')
    .add('CPU of a core', (used / WINDOW_MS) * 100_000, '%', idleTarget)
    .add('peak memory', await peakMemoryMib(pid), 'MiB', memoryTarget).all;
};
