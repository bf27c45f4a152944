import { percentile, percentileOfEach } from '../../lib/percentiles.ts';
import { cpuSeconds, peakMemoryMib } from '../../lib/process-usage.ts';
import type { ServiceProcess } from '../../lib/service-process.ts';
import { acceptanceRate, plainRates } from '../bench.ts';
import type { Bench, PlainRates, Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import type { Target } from '../figures.ts';
import type { Load } from '../load.ts';
import { memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

/** How fast a load that is there all at once is sent, and at what cost. */
interface ThroughputPlan {
  readonly name: string;
  readonly latencyMs: number;
  /** The least share of the plain loop's rate. */
  readonly ratio: number;
  /** CPU per command, as a multiple of the loop by hand; null for no target. */
  readonly cpu: Target | null;
}

const COMMANDS = 20_000;
const RECIPIENTS = 5_000;

/** Service and loops take turns, and medians count: single bursts differ by about 5 %, as the machine does. */
const ROUNDS = 3;

/** W1 and W2. */
export function throughput({ name, latencyMs, ratio, cpu }: ThroughputPlan): Workload {
  return async (bench) => {
    const load: Load = { name, count: COMMANDS, recipients: RECIPIENTS };
    const loops: PlainRates[] = [];
    const runs: Measured[] = [];
    const runsByHand: Measured[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      bench.say(`${name}, round ${round} of ${ROUNDS} …`);
      loops.push(await plainRates(bench, { latencyMs }, load));
      runs.push(await measure(bench, load, latencyMs, (bed) => bed.startService()));
      runsByHand.push(await measure(bench, load, latencyMs, (bed) => bed.startHandWritten()));
    }
    const lowest = percentileOfEach(runs, 0);
    const run = percentileOfEach(runs, 0.5);
    const highest = percentileOfEach(runs, 1);
    const plain = percentileOfEach(loops, 0.5);
    const byHand = percentileOfEach(runsByHand, 0.5);
    return new Figures(name)
      .add('calls, first to last acceptance', run.calls, '/s')
      .add('the same, plain undici loop', plain.calls, '/s')
      .add('the same, kafkajs and undici by hand', byHand.calls, '/s')
      .add('ratio of calls', run.calls / plain.calls, '', { atLeast: ratio })
      .add('the same, slowest round', lowest.calls / plain.calls)
      .add('the same, fastest round', highest.calls / plain.calls)
      .add('results, first call to last in the log', run.results, '/s')
      .add('ratio of results to the loop’s answers', run.results / plain.answers)
      .add('order violations', highest.orderViolations, '', { atMost: 0 })
      .add('overlaps per recipient', highest.overlaps, '', { atMost: 0 })
      .add('duplicates', highest.duplicates, '', { atMost: 0 })
      .add('missing', highest.missing, '', { atMost: 0 })
      .add('CPU per 1,000 commands', run.cpuPerThousand, 's')
      .add('the same, plain undici loop', plain.cpuPerThousand, 's')
      .add('the same, kafkajs and undici by hand', byHand.cpuPerThousand, 's')
      .add('CPU, ratio to that by hand', run.cpuPerThousand / byHand.cpuPerThousand, '', cpu)
      .add('produce to result, p50', run.p50Ms, 'ms')
      .add('produce to result, p99', run.p99Ms, 'ms')
      .add('peak memory', highest.peakMib, 'MiB', memoryTarget).all;
  };
}

type Measured = Awaited<ReturnType<typeof measure>>;

async function measure(bench: Bench, load: Load, latencyMs: number, start: (bed: TestBed) => Promise<ServiceProcess>) {
  await using bed = await TestBed.prepare(bench, load.name, { latencyMs });
  await using service = await start(bed);
  const { pid } = service.child;
  await bed.warmUp(load);
  const cpuBefore = await cpuSeconds(pid);
  const releasedAtMs = await bed.release(load);
  await bed.settled();
  const cpuUsed = (await cpuSeconds(pid)) - cpuBefore;
  const peakMib = await peakMemoryMib(pid);
  const report = await bed.sandbox.report();
  const resultAtMs = (await bed.readResults())
    .map(({ timestamp }) => Number(timestamp))
    .sort((a, b) => a - b)
    .slice(-load.count);
  const sinceReleaseMs = resultAtMs.map((atMs) => atMs - releasedAtMs);
  const spanMs = (resultAtMs.at(-1) ?? 0) - (report.firstAcceptedAtMs ?? 0);
  return {
    calls: acceptanceRate(report),
    results: (load.count / spanMs) * 1000,
    orderViolations: report.orderViolations,
    overlaps: report.overlaps,
    duplicates: report.duplicates,
    missing: load.count - report.uniqueAccepted,
    cpuPerThousand: (cpuUsed / load.count) * 1000,
    p50Ms: percentile(sinceReleaseMs, 0.5),
    p99Ms: percentile(sinceReleaseMs, 0.99),
    peakMib,
  };
}
