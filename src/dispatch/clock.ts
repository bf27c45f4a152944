/** Time as the dispatcher sees it; injected, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds from an arbitrary start, never falling: for every wait and every limit. */
  monotonicMs(): number;
  /** Milliseconds since the epoch: only for instants that the outside names (`expiresAt`, `Retry-After` dates). */
  wallMs(): number;
  /** Calls `run` once after `delayMs`, unless the returned function is called first. */
  after(delayMs: number, run: () => void): () => void;
  /** Calls `run` once when everything that has arrived by now is dealt with, and the calls made of it have left. */
  soon(run: () => void): void;
}

/** Longest delay that a Node.js timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
  // undici writes onto a used connection at the end of the turn, behind what was put off before: hence one turn more.
  soon: (run) => void setImmediate(() => setImmediate(run)),
};

/** Resolves after `delayMs`, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Pick<Clock, 'after'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted) return Promise.resolve();
  const wake = (): void => {
    cancel();
    signal?.removeEventListener('abort', wake);
    resolve();
  };
  const cancel = clock.after(delayMs, wake);
  signal?.addEventListener('abort', wake);
  return promise;
}
