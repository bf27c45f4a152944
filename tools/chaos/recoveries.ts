import type { CallRecord } from '../../sandbox/api.ts';
import type { CommandRecord } from './account.ts';

/** How calls were resumed after an outage of the API. */
export interface Recovery {
  /**
   * How long until the API had taken a command of every partition in which commands waited. Only transactional lanes
   * count: bulk lanes have to wait for these. Infinity if it never did.
   */
  readonly resumedAfterMs: number;
  /** Calls within 100 ms of the first call that the API took. */
  readonly herd: number;
}

const HERD_WINDOW_MS = 100;

/** What followed each of these moments, given in ms since the epoch. */
export function recoveriesOf(
  recoveredAtMs: readonly number[],
  commands: readonly CommandRecord[],
  calls: readonly CallRecord[],
): Recovery[] {
  const takenAtMs = new Map(calls.filter(({ accepted }) => accepted).map(({ key, at }) => [key, at]));
  return recoveredAtMs.map((fromMs) => {
    const firstMs = new Map<string, number>();
    for (const { id, atMs, topic, partition } of commands) {
      const at = takenAtMs.get(id) ?? Infinity;
      if (atMs > fromMs || at < fromMs || topic.endsWith('.bulk')) continue;
      const place = `${topic}/${partition}`;
      firstMs.set(place, Math.min(firstMs.get(place) ?? Infinity, at));
    }
    const resumedMs = Math.min(Infinity, ...firstMs.values());
    return {
      resumedAfterMs: Math.max(0, ...[...firstMs.values()].map((at) => at - fromMs)),
      herd: calls.filter(({ at }) => at >= resumedMs && at < resumedMs + HERD_WINDOW_MS).length,
    };
  });
}
