import type { Log } from './dev-kafka.ts';

const SLOW_MS = 2_000;

/** Prints the message once if the work takes more than two seconds. */
export async function announceIfSlow<T>(log: Log, what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => log(what), SLOW_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
