import type { Target } from './figures.ts';

/** Memory at its peak, in MiB, in every workload. */
export const memoryTarget: Target = { atMost: 400 };
