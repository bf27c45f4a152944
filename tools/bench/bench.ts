import { join } from 'node:path';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { ManagedChild } from '../lib/child-process.ts';
import { SandboxProcess } from '../lib/sandbox-process.ts';
import type { Figure } from './figures.ts';
import type { Load } from './load.ts';
import type { PlainLoopPlan, PlainLoopResult } from './plain-loop.ts';

/** What every workload gets. */
export interface Bench {
  readonly root: string;
  readonly brokers: readonly string[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Folder for CPU profiles of the service; null for none. */
  readonly profiles: string | null;
}

/** One workload. Kafka is idle when it starts. */
export type Workload = (bench: Bench) => Promise<readonly Figure[]>;

/** Calls on the wire at once, both for the service and for the plain loop. */
export const IN_FLIGHT = 256;
/** Commands that service and plain loop send before anything is measured. */
export const WARM_UP = 20_000;

/** Runs the plain loop to its end. */
export async function runPlainLoop(
  { root, signal }: Pick<Bench, 'root' | 'signal'>,
  plan: PlainLoopPlan,
): Promise<PlainLoopResult> {
  await using child = new ManagedChild({
    name: 'the plain loop',
    command: process.execPath,
    args: [join(root, 'tools', 'bench', 'plain-loop.ts'), JSON.stringify(plan)],
    cwd: root,
  });
  const [line] = await child.line(/^\{"wallMs".*\}$/, signal);
  return JSON.parse(line) as PlainLoopResult;
}

/** The plain loop's rates per second, and its cost. */
export interface PlainRates {
  /** From the first to the last acceptance, as the sandbox saw them. */
  readonly calls: number;
  /** From the first call to the last answer. */
  readonly answers: number;
  /**
   * CPU seconds per 1,000 calls. It shows how busy the machine is otherwise, and so how much to trust the service's own
   * figure.
   */
  readonly cpuPerThousand: number;
}

/** Runs the plain loop with all connections against a fresh sandbox. */
export async function plainRates(bench: Bench, behaviour: Partial<Behaviour>, load: Load): Promise<PlainRates> {
  await using sandbox = await SandboxProcess.start(bench.root, behaviour, bench.signal);
  const plan = { url: sandbox.url, connections: IN_FLIGHT, warmUp: WARM_UP, load };
  const { wallMs, cpuSeconds } = await runPlainLoop(bench, plan);
  return {
    calls: acceptanceRate(await sandbox.report()),
    answers: (load.count / wallMs) * 1000,
    cpuPerThousand: (cpuSeconds / load.count) * 1000,
  };
}

/** Acceptances per second, from the first to the last one. */
export function acceptanceRate(report: {
  readonly accepted: number;
  readonly firstAcceptedAtMs: number | null;
  readonly lastAcceptedAtMs: number | null;
}): number {
  const spanMs = (report.lastAcceptedAtMs ?? 0) - (report.firstAcceptedAtMs ?? 0);
  return ((report.accepted - 1) / spanMs) * 1000;
}
