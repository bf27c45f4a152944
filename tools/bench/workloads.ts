import type { Workload } from './bench.ts';
import { cpuTarget } from './targets.ts';
import { addedLatency } from './workloads/added-latency.ts';
import { backlog } from './workloads/backlog.ts';
import { hotRecipient } from './workloads/hot-recipient.ts';
import { idle } from './workloads/idle.ts';
import { rateLimit } from './workloads/rate-limit.ts';
import { throughput } from './workloads/throughput.ts';

/** All workloads by name, in the order in which they run. */
export const WORKLOADS: ReadonlyMap<string, Workload> = new Map([
  ['W1', throughput({ name: 'W1', latencyMs: 50, ratio: 0.96, cpu: null })],
  ['W2', throughput({ name: 'W2', latencyMs: 0, ratio: 0.3, cpu: cpuTarget })],
  ['W3', rateLimit],
  ['W4', hotRecipient],
  ['W5', addedLatency],
  ['idle', idle],
  ['memory', backlog],
]);
