import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../../lib/percentiles.ts';
import { cpuSeconds, peakMemoryMib } from '../../lib/process-usage.ts';
import type { ServiceProcess } from '../../lib/service-process.ts';
import { Figures } from '../figures.ts';
import type { Bench, Workload } from '../bench.ts';
import { commandOf } from '../load.ts';
import type { Load } from '../load.ts';
import { highLatencyTarget, medianLatencyTarget, memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const LATENCY_MS = 5;
const PER_SECOND = 50;
const SECONDS = 20;
const COMMANDS = PER_SECOND * SECONDS;

/**
 * W5: under light load, the time between a command's timestamp and the append of its result, without the API's own
 * latency.
 */
export const addedLatency: Workload = async (bench) => {
  const run = await measure(bench, (bed) => bed.startService());
  const byHand = await measure(bench, (bed) => bed.startHandWritten());
  const p50 = { run: percentile(run.addedMs, 0.5), byHand: percentile(byHand.addedMs, 0.5) };
  const p99 = { run: percentile(run.addedMs, 0.99), byHand: percentile(byHand.addedMs, 0.99) };
  return new Figures('W5')
    .add('commands', run.addedMs.length, '', { atLeast: COMMANDS })
    .add('added latency, p50', p50.run, 'ms')
    .add('the same, kafkajs and undici by hand', p50.byHand, 'ms')
    .add('p50, ratio to that by hand', p50.run / p50.byHand, '', medianLatencyTarget)
    .add('added latency, p90', percentile(run.addedMs, 0.9), 'ms')
    .add('added latency, p99', p99.run, 'ms')
    .add('the same, kafkajs and undici by hand', p99.byHand, 'ms')
    .add('p99, ratio to that by hand', p99.run / p99.byHand, '', highLatencyTarget)
    .add('added latency, mean', mean(run.addedMs), 'ms')
    .add('the same, kafkajs and undici by hand', mean(byHand.addedMs), 'ms')
    .add('CPU of a core', run.cpuShare * 100, '%')
    .add('peak memory', run.peakMib, 'MiB', memoryTarget).all;
};

async function measure(bench: Bench, start: (bed: TestBed) => Promise<ServiceProcess>) {
  await using bed = await TestBed.prepare(bench, 'W5', { latencyMs: LATENCY_MS });
  await using service = await start(bed);
  const { pid } = service.child;
  const load: Load = { name: 'W5', count: COMMANDS, recipients: COMMANDS };
  await bed.warmUp(load);
  const cpuBefore = await cpuSeconds(pid);
  const producedAtMs = await paced(bench, bed, load);
  await bed.settled();
  const cpuUsed = (await cpuSeconds(pid)) - cpuBefore;
  return {
    addedMs: await addedLatencies(bed, producedAtMs),
    cpuShare: cpuUsed / SECONDS,
    peakMib: await peakMemoryMib(pid),
  };
}

/**
 * Writes one record per request at a steady pace, and does not wait for acknowledgements. Resolves to the timestamps by
 * command id.
 */
async function paced(bench: Bench, bed: TestBed, load: Load): Promise<Map<string, number>> {
  const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    const startMs = performance.now();
    const writing: Promise<[string, number]>[] = [];
    for (let n = 0; n < load.count; n++) {
      const waitMs = startMs + (n * 1000) / PER_SECOND - performance.now();
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: bench.signal });
      writing.push(bed.releaseOne(producer, load, n).then(({ atMs }) => [commandOf(load, n).id, atMs]));
    }
    return new Map(await Promise.all(writing));
  } finally {
    await producer.disconnect();
  }
}

/**
 * Both timestamps are whole milliseconds, rounded down. Their difference is right on average, and wrong by less than 1
 * ms.
 */
async function addedLatencies(bed: TestBed, producedAtMs: ReadonlyMap<string, number>): Promise<number[]> {
  return (await bed.readResults()).flatMap(({ value, timestamp }) => {
    const { commandId } = JSON.parse(String(value)) as { commandId: string };
    const atMs = producedAtMs.get(commandId);
    return atMs === undefined ? [] : [Number(timestamp) - atMs - LATENCY_MS];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
