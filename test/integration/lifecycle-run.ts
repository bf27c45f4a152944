import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEADLINE_MS } from '../deadline.ts';

/** How a service ended that was not supposed to run for long. */
export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the service, or another script of the build, until it ends by itself, with only this environment. */
export function runToEnd(
  script: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<Ending> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [script, ...args],
      { env, timeout: DEADLINE_MS },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** The exit code of the process. Rejects if it does not end in time. */
export async function exitWithin(exited: Promise<number>, timeoutMs: number): Promise<number> {
  const over = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: over.signal }).then(
    () => {
      throw new Error(`still running after ${timeoutMs} ms`);
    },
    () => -1,
  );
  try {
    return await Promise.race([exited, late]);
  } finally {
    over.abort();
  }
}
