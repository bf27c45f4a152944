import { peakMemoryMib } from '../../lib/process-usage.ts';
import { runPlainLoop } from '../bench.ts';
import type { Bench, Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import { HOT_NUMBER } from '../load.ts';
import type { Load } from '../load.ts';
import { delayTarget, memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const LATENCY_MS = 20;
const COMMANDS = 2_000;
const HOT_SHARE = 0.3;
const RECIPIENTS = 1_400;
const SEQUENTIAL_CALLS = 200;

/** W4: a recipient with many commands is served as fast as one call after the other can be, and delays nobody else. */
export const hotRecipient: Workload = async (bench) => {
  await using bed = await TestBed.prepare(bench, 'W4', { latencyMs: LATENCY_MS, recordCalls: true });
  await using service = await bed.startService();
  const load: Load = { name: 'W4', count: COMMANDS, recipients: RECIPIENTS, hotShare: HOT_SHARE };
  await bed.warmUp({ ...load, hotShare: 0 });
  const oneCallMs = await sequentialCallMs(bench, bed.sandbox.url);

  const others = Math.round(COMMANDS * (1 - HOT_SHARE));
  const without = await spans(bed, { ...load, name: 'W4-without', count: others, hotShare: 0 });
  const withHot = await spans(bed, load);
  const { orderViolations, overlaps } = await bed.sandbox.report();
  return new Figures('W4')
    .add('calls to one recipient', withHot.hotCalls)
    .add('they took', withHot.hotMs, 'ms')
    .add('one sequential undici call', oneCallMs, 'ms')
    .add('share of what a chain allows', ((withHot.hotCalls - 1) * oneCallMs) / withHot.hotMs, '', { atLeast: 0.95 })
    .add('the others took', withHot.othersMs, 'ms')
    .add('the others alone', without.othersMs, 'ms')
    .add('others delayed by, in sequential calls', (withHot.othersMs - without.othersMs) / oneCallMs, '', delayTarget)
    .add('order violations', orderViolations, '', { atMost: 0 })
    .add('overlaps per recipient', overlaps, '', { atMost: 0 })
    .add('peak memory', await peakMemoryMib(service.child.pid), 'MiB', memoryTarget).all;
};

async function sequentialCallMs(bench: Bench, url: string): Promise<number> {
  const load = { name: 'W4-sequential', count: SEQUENTIAL_CALLS, recipients: SEQUENTIAL_CALLS };
  const { wallMs } = await runPlainLoop(bench, { url, connections: 1, warmUp: SEQUENTIAL_CALLS / 4, load });
  return wallMs / SEQUENTIAL_CALLS;
}

/** Sends a load alone. Returns the time from first to last call, for the hot recipient and for all others. */
async function spans(bed: TestBed, load: Load) {
  await bed.sandbox.reset();
  await bed.release(load);
  await bed.settled();
  const calls = await bed.sandbox.calls();
  const isHot = ({ recipient }: { readonly recipient: string }): boolean => recipient === HOT_NUMBER.slice(1);
  const hot = calls.filter(isHot);
  const others = calls.filter((call) => !isHot(call));
  return {
    hotCalls: hot.length,
    hotMs: (hot.at(-1)?.at ?? 0) - (hot[0]?.at ?? 0),
    othersMs: (others.at(-1)?.at ?? 0) - (calls[0]?.at ?? 0),
  };
}
