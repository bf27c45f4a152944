import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const POLL_MS = 20;
const ANSWER_TIMEOUT_MS = 1_000;

/** The Redis to wait for, and how long. */
export interface AnswerQuestion {
  readonly url: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The reason to stop waiting, for instance that the process has ended; undefined if there is none. */
  readonly fault: () => string | undefined;
}

/**
 * Resolves when PING is answered. Rejects with the signal's reason, with the fault, or after `timeoutMs`. Errors never
 * contain the URL.
 */
export async function untilAnswering({ url, timeoutMs, signal, fault }: AnswerQuestion): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const problem = await ping(url);
    signal.throwIfAborted();
    const ended = fault();
    if (ended !== undefined) throw new Error(ended);
    if (problem === undefined) return;
    if (performance.now() > deadline) throw new Error(`Redis does not answer after ${timeoutMs} ms: ${problem}`);
    await sleep(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function ping(url: string): Promise<string | undefined> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: ANSWER_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    disconnectTimeout: POLL_MS,
    retryStrategy: () => null,
  });
  let problem: string | undefined;
  redis.on('error', (error: Error) => (problem = error.message));
  try {
    await redis.connect();
    await redis.ping();
    return undefined;
  } catch (error) {
    return problem ?? String(error);
  } finally {
    redis.disconnect();
  }
}
