import { percentile } from '../../lib/percentiles.ts';
import { cpuSeconds, peakMemoryMib } from '../../lib/process-usage.ts';
import { acceptanceRate, plainRates } from '../bench.ts';
import type { Bench, PlainRates, Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import type { Load } from '../load.ts';
import { memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

/** How fast, and at what cost, a load that is all there at once is sent. */
interface ThroughputPlan {
  readonly name: string;
  readonly latencyMs: number;
  /** Least share of the plain loop's rate. */
  readonly ratio: number;
  /** CPU seconds of the service per 1,000 commands, at most; null for no target. */
  readonly cpu: number | null;
}

const COMMANDS = 20_000;
const RECIPIENTS = 5_000;

/** W1 and W2. */
export function throughput({ name, latencyMs, ratio, cpu }: ThroughputPlan): Workload {
  return async (bench) => {
    const load: Load = { name, count: COMMANDS, recipients: RECIPIENTS };
    const before = await plainRates(bench, { latencyMs }, load);
    const run = await measure(bench, load, latencyMs);
    const after = await plainRates(bench, { latencyMs }, load);
    const plain = mean(before, after);
    return new Figures(name)
      .add('calls, first to last acceptance', run.calls, '/s')
      .add('the same, plain undici loop', plain.calls, '/s')
      .add('ratio of calls', run.calls / plain.calls, '', { atLeast: ratio })
      .add('results, first call to last in the log', run.results, '/s')
      .add('ratio of results to the loop’s answers', run.results / plain.answers)
      .add('order violations', run.orderViolations, '', { atMost: 0 })
      .add('overlaps per recipient', run.overlaps, '', { atMost: 0 })
      .add('duplicates', run.duplicates, '', { atMost: 0 })
      .add('missing', run.missing, '', { atMost: 0 })
      .add('CPU per 1,000 commands', run.cpuPerThousand, 's', cpu === null ? null : { atMost: cpu })
      .add('the same, plain undici loop', plain.cpuPerThousand, 's')
      .add('produce to result, p50', run.p50Ms, 'ms')
      .add('produce to result, p99', run.p99Ms, 'ms')
      .add('peak memory', run.peakMib, 'MiB', memoryTarget).all;
  };
}

async function measure(bench: Bench, load: Load, latencyMs: number) {
  await using bed = await TestBed.prepare(bench, load.name, { latencyMs });
  await using service = await bed.startService();
  const { pid } = service.child;
  await bed.warmUp(load);
  const cpuBefore = await cpuSeconds(pid);
  const releasedAtMs = await bed.release(load);
  await bed.settled();
  const cpuUsed = (await cpuSeconds(pid)) - cpuBefore;
  const peakMib = await peakMemoryMib(pid);
  const report = await bed.sandbox.report();
  const resultAtMs = (await bed.readResults()).map(({ timestamp }) => Number(timestamp)).sort((a, b) => a - b).slice(-load.count); // prettier-ignore
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

function mean(a: PlainRates, b: PlainRates): PlainRates {
  return {
    calls: (a.calls + b.calls) / 2,
    answers: (a.answers + b.answers) / 2,
    cpuPerThousand: (a.cpuPerThousand + b.cpuPerThousand) / 2,
  };
}
