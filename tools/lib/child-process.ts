import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The program to start, and its name in messages. */
export interface ChildPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gets every line of its output, both streams. */
  readonly onLine?: (line: string) => void;
}

/** How many lines of its output are kept for the message about its failure. */
const TAIL_LINES = 40;
/** Time between SIGTERM and SIGKILL, in ms. */
const STOP_GRACE_MS = 30_000;

const running = new Set<ManagedChild>();

/** Last resort, for `process.on('exit')`: kills the processes that were not stopped in order. */
export function killStragglers(): void {
  for (const child of running) child.signal('SIGKILL');
}

/**
 * A child process that leads its own process group. Ctrl-C in the terminal does not reach it: the tool decides when it
 * ends. A signal reaches all processes that it started.
 */
export class ManagedChild implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #tail: string[] = [];
  readonly #watchers = new Set<(line: string) => void>();
  readonly name: string;
  /** Its exit code, or 128 if a signal ended it. */
  readonly exited: Promise<number>;
  #hasExited = false;

  constructor(plan: ChildPlan) {
    this.name = plan.name;
    if (plan.onLine !== undefined) this.#watchers.add(plan.onLine);
    this.#process = spawn(plan.command, plan.args, {
      cwd: plan.cwd,
      env: { ...process.env, ...plan.env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#hear(line));
    }
    this.exited = new Promise((resolve) => {
      const end = (code: number): void => {
        this.#hasExited = true;
        running.delete(this);
        resolve(code);
      };
      // Not `exit`: a command such as npm can end before its own children, which keep these pipes open.
      this.#process.once('close', (code) => end(code ?? 128));
      this.#process.once('error', (error) => {
        this.#hear(error.message);
        end(127);
      });
    });
  }

  /** 0 if it could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** The last lines of its output, for error messages. */
  get tail(): string {
    return this.#tail.join('\n');
  }

  /** The first match in a line still to come. Rejects if the process ends first, or with the signal's reason. */
  async line(pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
    let watcher: ((line: string) => void) | undefined;
    try {
      const matched = new Promise<RegExpExecArray>((resolve) => {
        watcher = (line) => {
          const match = pattern.exec(line);
          if (match !== null) resolve(match);
        };
        this.#watchers.add(watcher);
      });
      return await this.whileRunning(matched, signal);
    } finally {
      if (watcher !== undefined) this.#watchers.delete(watcher);
    }
  }

  /** Resolves to the result of `work`. Rejects if the process ends first, or with the signal's reason. */
  async whileRunning<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const settled = new AbortController();
    const aborted = once(signal, 'abort', { signal: settled.signal }).then(() => {
      throw signal.reason;
    });
    const ended = this.exited.then((code) => {
      throw new Error(`${this.name} ended with code ${code}:\n${this.tail}`);
    });
    try {
      return await Promise.race([work, aborted, ended]);
    } finally {
      aborted.catch(() => {});
      ended.catch(() => {});
      settled.abort();
    }
  }

  /** Sends a signal to it and all that it started; does nothing if it has ended. */
  signal(name: NodeJS.Signals): void {
    if (this.#hasExited || this.pid === 0) return;
    try {
      process.kill(-this.pid, name);
    } catch (error) {
      // The group is gone already; the event about it will follow.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }

  /** Sends SIGTERM, and SIGKILL 30 s later; resolves to the exit code. May be called again. */
  async stop(): Promise<number> {
    this.signal('SIGTERM');
    const impatient = setTimeout(() => this.signal('SIGKILL'), STOP_GRACE_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(impatient);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #hear(line: string): void {
    if (this.#tail.push(line) > TAIL_LINES) this.#tail.shift();
    for (const watcher of this.#watchers) watcher(line);
  }
}
