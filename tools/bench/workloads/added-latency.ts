import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../lib/percentiles.ts';
import { cpuSeconds, peakMemoryMib } from '../../lib/process-usage.ts';
import type { Written } from '../../lib/producing.ts';
import { Figures } from '../figures.ts';
import type { Bench, Workload } from '../bench.ts';
import type { Load } from '../load.ts';
import { memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const LATENCY_MS = 5;
const PER_SECOND = 50;
const SECONDS = 20;

/** W5: what lies between a command's timestamp and its result's append, beyond the API's own latency, under light load. */
export const addedLatency: Workload = async (bench) => {
  await using bed = await TestBed.prepare(bench, 'W5', { latencyMs: LATENCY_MS });
  await using service = await bed.startService();
  const { pid } = service.child;
  const load: Load = { name: 'W5', count: PER_SECOND * SECONDS, recipients: PER_SECOND * SECONDS };
  await bed.warmUp(load);
  const cpuBefore = await cpuSeconds(pid);
  const written = await paced(bench, bed, load);
  await bed.settled();
  const cpuUsed = (await cpuSeconds(pid)) - cpuBefore;
  const addedMs = await addedLatencies(bed, written);
  return new Figures('W5')
    .add('commands', addedMs.length, '', { atLeast: load.count })
    .add('added latency, p50', percentile(addedMs, 0.5), 'ms', { atMost: 3 })
    .add('added latency, p90', percentile(addedMs, 0.9), 'ms')
    .add('added latency, p99', percentile(addedMs, 0.99), 'ms', { atMost: 9 })
    .add('CPU of a core', (cpuUsed / SECONDS) * 100, '%')
    .add('peak memory', await peakMemoryMib(pid), 'MiB', memoryTarget).all;
};

/** One record per request at a steady pace, whether the one before is acknowledged or not. */
async function paced(bench: Bench, bed: TestBed, load: Load): Promise<Written[]> {
  const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const startMs = performance.now();
    const writing: Promise<Written>[] = [];
    for (let n = 0; n < load.count; n++) {
      const waitMs = startMs + (n * 1000) / PER_SECOND - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: bench.signal });
      writing.push(bed.releaseOne(producer, load, n));
    }
    return await Promise.all(writing);
  } finally {
    await producer.disconnect();
  }
}

/** Both timestamps are whole milliseconds rounded down, so their difference is true on average and off by less than 1 ms. */
async function addedLatencies(bed: TestBed, written: readonly Written[]): Promise<number[]> {
  const producedAtMs = new Map(written.map(({ record, offset, atMs }) => [`${record.partition}/${offset}`, atMs]));
  return (await bed.readResults()).flatMap(({ value, timestamp }) => {
    const { source } = JSON.parse(String(value)) as { source: { partition: number; offset: string } };
    const atMs = producedAtMs.get(`${source.partition}/${source.offset}`);
    return atMs === undefined ? [] : [Number(timestamp) - atMs - LATENCY_MS];
  });
}
