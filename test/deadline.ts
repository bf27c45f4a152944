import { setTimeout as sleep } from 'node:timers/promises';

/** How long a test waits for any condition, in ms: only what never comes takes longer, on a slow and busy machine too. */
export const DEADLINE_MS = 60_000;

/** How long a whole test may take, in ms: a wait in vain ends before, and says what it waited for. */
export const TEST_DEADLINE_MS = 3 * DEADLINE_MS;

const POLL_MS = 10;

/** Resolves once the condition holds. Rejects after `DEADLINE_MS`, with what was waited for, or with what the condition throws. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
