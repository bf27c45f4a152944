import type { Target } from './figures.ts';

/*
 * What figures have to reach. Milliseconds and seconds say something about the machine, so what they are compared with
 * is measured in the same run: the plain loop, the loop by hand, one call after the other. What has no such measure
 * gets several times the room that it needs.
 */

/** Memory at its peak, in MiB, in every workload. */
export const memoryTarget: Target = { atMost: 400 };
/** CPU per command, as a multiple of the loop by hand. */
export const cpuTarget: Target = { atMost: 1.36 };
/**
 * Added latency, as a multiple of what the loop by hand adds. Timestamps are whole milliseconds, of which there are
 * few.
 */
export const medianLatencyTarget: Target = { atMost: 1.5 };
export const highLatencyTarget: Target = { atMost: 2 };
/** How long a hot recipient holds up others, in round trips: one more of them and its scheduling. */
export const delayTarget: Target = { atMost: 2.5 };
/** CPU of a core while nothing is to be done, in %: some four times what it takes. */
export const idleTarget: Target = { atMost: 10 };
