import { peakMemoryMib } from '../../lib/process-usage.ts';
import type { Workload } from '../bench.ts';
import { Figures } from '../figures.ts';
import { memoryTarget } from '../targets.ts';
import { TestBed } from '../test-bed.ts';

const PER_SECOND = 500;
const SETTLE_IN_MS = 2_000;
const WINDOW_MS = 20_000;
/** Twice what the service allows itself by default: its pacing is tested, not the jitter of a loaded machine. */
const SANDBOX_BURST = 50;

/** W3: the rate limit is used in full and never exceeded. */
export const rateLimit: Workload = async (bench) => {
  bench.say(
    `W3: the sandbox takes ${PER_SECOND}/s with a burst of ${SANDBOX_BURST}; the service has its default burst, 25`,
  );
  const limit = { ratePerSecond: PER_SECOND, burst: SANDBOX_BURST, slackMs: 0 };
  await using bed = await TestBed.prepare(bench, 'W3', { rateLimits: { perChannel: limit }, recordCalls: true });
  await using service = await bed.startService({ RATE_LIMIT_WHATSAPP: `${PER_SECOND}/s` });
  const count = ((SETTLE_IN_MS + WINDOW_MS) / 1000 + 1) * PER_SECOND;
  const load = { name: 'W3', count, recipients: 5_000 };
  await bed.warmUp(load);
  await bed.release(load);
  await bed.settled();
  const acceptedAtMs = (await bed.sandbox.calls()).filter((call) => call.accepted).map((call) => call.at);
  const fromMs = (acceptedAtMs[0] ?? 0) + SETTLE_IN_MS;
  const inWindow = acceptedAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + WINDOW_MS).length;
  const { limited, orderViolations } = await bed.sandbox.report();
  return new Figures('W3')
    .add('calls accepted in 20 s', inWindow)
    .add('share of the limit', (inWindow / PER_SECOND / WINDOW_MS) * 100_000, '%', { atLeast: 99 })
    .add('answers 429', limited, '', { atMost: 0 })
    .add('order violations', orderViolations, '', { atMost: 0 })
    .add('peak memory', await peakMemoryMib(service.child.pid), 'MiB', memoryTarget).all;
};
