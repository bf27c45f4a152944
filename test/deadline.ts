import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long a test waits for any condition, in ms. On a slow and busy machine, too, only a condition that never holds
 * takes longer.
 */
export const DEADLINE_MS = 60_000;

/** How long a whole test may take, in ms. A wait in vain ends earlier, and says what it waited for. */
export const TEST_DEADLINE_MS = 3 * DEADLINE_MS;

const POLL_MS = 10;

/**
 * Resolves when the condition holds. Rejects after `DEADLINE_MS` with an error that names the condition, or with the
 * condition's own error.
 */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await sleep(POLL_MS);
  }
}
