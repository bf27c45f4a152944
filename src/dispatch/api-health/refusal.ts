import { Breaker, FREE, type Passage, PROBE, BLOCKED } from './breaker';
import type { Answer, Probed } from './circuit';

/** Workspaces remembered as tried while a key is refused; then each may be tried again. */
const MOST_TRIED = 10_000;

/**
 * Whether the API refuses a key, or one workspace's use of it. Only a probe that is answered with a 2xx ends it, or
 * another
 * key. A workspace that has not been tried since is tried at once; those that have been take turns, one probe every 5
 * s.
 *
 *     accepted → trip → refused → probing → 2xx → accepted
 *                                         → anything else → refused
 */
export class Refusal implements Probed {
  /** When it was last tried. */
  triedAtMs = -Infinity;
  private readonly breaker = new Breaker();
  private readonly tried = new Set<string>();

  constructor(readonly isOfWorkspace: boolean) {}

  get isOpen(): boolean {
    return !this.breaker.isClosed;
  }

  trip(nowMs: number): void {
    this.triedAtMs = nowMs;
    this.breaker.trip(nowMs);
  }

  /** The workspace has been refused, too. */
  wasTried(workspaceId: string): void {
    if (this.tried.size >= MOST_TRIED) this.tried.clear();
    this.tried.add(workspaceId);
  }

  passageOf(workspaceId: string, nowMs: number): Passage {
    if (this.breaker.isClosed) return FREE;
    if (this.tried.has(workspaceId)) return this.breaker.passage(nowMs, true);
    return this.breaker.isProbing ? BLOCKED : PROBE;
  }

  /** As `passageOf`, where there is one workspace alone. */
  passage(nowMs: number): Passage {
    return this.breaker.passage(nowMs);
  }

  probing(workspaceId: string, nowMs: number): void {
    this.breaker.probing(nowMs);
    this.triedAtMs = nowMs;
    this.wasTried(workspaceId);
  }

  probed({ isSuccess }: Answer): void {
    this.breaker.probed(isSuccess ? 'better' : 'no-better');
    if (isSuccess) this.tried.clear();
  }

  unprobed(): void {
    this.breaker.unprobed();
  }
}
