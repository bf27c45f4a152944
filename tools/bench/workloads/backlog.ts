import { setTimeout as sleep } from 'node:timers/promises';
import { peakMemoryMib } from '../../lib/process-usage.ts';
import { acceptanceRate } from '../bench.ts';
import type { Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import { memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const WAITING = 1_000_000;
const PER_TRANSACTION = 100_000;
const LATENCY_MS = 50;
const RUN_MS = 30_000;

/** Memory while a million commands wait. */
export const backlog: Workload = async (bench) => {
  await using bed = await TestBed.prepare(bench, 'memory', { latencyMs: LATENCY_MS });
  for (let done = 0; done < WAITING; done += PER_TRANSACTION) {
    bench.say(`memory: ${done.toLocaleString('en')} of ${WAITING.toLocaleString('en')} commands written`);
    await bed.release({ name: `memory-${done / PER_TRANSACTION}`, count: PER_TRANSACTION, recipients: 50_000 });
  }
  await using service = await bed.startService();
  await sleep(RUN_MS, undefined, { signal: bench.signal });
  const report = await bed.sandbox.report();
  return new Figures('memory')
    .add('commands waiting', WAITING)
    .add('calls, first to last acceptance', acceptanceRate(report), '/s')
    .add('peak memory', await peakMemoryMib(service.child.pid), 'MiB', memoryTarget).all;
};
