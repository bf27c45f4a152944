import type { Target } from './figures.ts';

/*
 * Targets of the figures. Milliseconds and seconds depend on the machine, so they are compared with something measured
 * in the same run: the plain loop, the loop by hand, or one call after the other. Figures without such a measure have
 * several times the room that they need.
 */

/** Peak of memory in every workload, in MiB. */
export const memoryTarget: Target = { atMost: 400 };
/** CPU per command, as a multiple of the loop by hand. */
export const cpuTarget: Target = { atMost: 1.36 };
/**
 * Added latency, as a multiple of what the loop by hand adds. Timestamps are whole milliseconds, and both latencies are
 * only a few of them.
 */
export const medianLatencyTarget: Target = { atMost: 1.5 };
export const highLatencyTarget: Target = { atMost: 2 };
/** How long a hot recipient may delay others, in round trips: one more round trip, and its scheduling. */
export const delayTarget: Target = { atMost: 2.5 };
/** CPU of a core while there is nothing to do, in %: about four times what it takes. */
export const idleTarget: Target = { atMost: 10 };
