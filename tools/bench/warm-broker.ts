import { WARM_UP } from './bench.ts';
import type { Bench } from './bench.ts';
import type { Load } from './load.ts';
import { TestBed } from './test-bed.ts';

const LOADS = 4;

/**
 * Has a broker that has just started do what it will have to do. Until its code is compiled it takes from whatever is measured first half of
 * the cores, and answers later.
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
