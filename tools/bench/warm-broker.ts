import { WARM_UP } from './bench.ts';
import type { Bench } from './bench.ts';
import type { Load } from './load.ts';
import { TestBed } from './test-bed.ts';

const LOADS = 4;

/**
 * Lets a broker that has just started do all kinds of its work once. Until Java has compiled its code, it takes half of
 * the cores from the first measurement, and answers more slowly.
 */
export async function warmBroker(bench: Bench): Promise<void> {
  await using bed = await TestBed.prepare(bench, 'warm-up', { latencyMs: 0 });
  await using service = await bed.startHandWritten();
  for (let n = 0; n < LOADS; n++) {
    const load: Load = { name: `warm-up-${n}`, count: WARM_UP, recipients: WARM_UP };
    await service.child.whileRunning(
      bed.release(load).then(() => bed.settled()),
      bench.signal,
    );
  }
}
