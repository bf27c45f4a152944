import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { ManagedChild } from '../lib/child-process.ts';
import { peakMemoryMib } from '../lib/process-usage.ts';
import { serviceCommand } from '../lib/service-command.ts';
import type { ReplicaName } from './faults.ts';

/** How to run a replica. */
export interface ReplicaPlan {
  readonly name: ReplicaName;
  readonly root: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Keeps what it says, over restarts. */
  readonly logFile: string;
}

const POLL_MS = 50;
const MEMORY_EVERY_MS = 500;

/** One replica of the service, which keeps its name and port over restarts. */
export class Replica implements AsyncDisposable {
  readonly name: ReplicaName;
  readonly #plan: ReplicaPlan;
  readonly #log: WriteStream;
  readonly #watch: NodeJS.Timeout;
  #child: ManagedChild | null = null;
  #peakMemoryMib = 0;
  #endedUnasked: string | null = null;

  constructor(plan: ReplicaPlan) {
    this.name = plan.name;
    this.#plan = plan;
    this.#log = createWriteStream(plan.logFile);
    this.#watch = setInterval(() => void this.#measure(), MEMORY_EVERY_MS).unref();
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** The most that any of its processes ever had resident. */
  get peakMemoryMib(): number {
    return this.#peakMemoryMib;
  }

  /** How it ended although nobody asked it to; null where it did not. */
  get endedUnasked(): string | null {
    return this.#endedUnasked;
  }

  /** Starts it, and waits for nothing. */
  launch(): void {
    if (this.#child !== null) return;
    const { root, port, settings, name } = this.#plan;
    this.#log.write(`--- started at ${new Date().toISOString()}\n`);
    const child = new ManagedChild({
      name: `replica ${name}`,
      ...serviceCommand(root),
      cwd: root,
      env: { ...settings, REPLICA_ID: name, HTTP_PORT: String(port) },
      onLine: (line) => void this.#log.write(`${line}\n`),
    });
    this.#child = child;
    void child.exited.then((code) => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#endedUnasked = `replica ${name} with ${code}: ${child.tail.slice(-300)}`;
    });
  }

  /** Resolves once `/readyz` answers 200. Rejects where it ends before, or with the signal's reason. */
  async untilReady(signal: AbortSignal): Promise<void> {
    await this.#running().whileRunning(this.#ready(signal), signal);
  }

  /** SIGTERM; resolves to its exit code. */
  async stop(): Promise<number> {
    return this.#take().stop();
  }

  /** SIGKILL; resolves once it is gone. */
  async kill(): Promise<void> {
    const child = this.#take();
    child.signal('SIGKILL');
    await child.exited;
    this.#log.write(`--- killed at ${new Date().toISOString()}\n`);
  }

  freeze(): void {
    this.#running().signal('SIGSTOP');
    this.#log.write(`--- frozen at ${new Date().toISOString()}\n`);
  }

  thaw(): void {
    this.#child?.signal('SIGCONT');
    this.#log.write(`--- thawed at ${new Date().toISOString()}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    if (this.#child !== null) {
      this.thaw();
      await this.kill();
    }
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #running(): ManagedChild {
    if (this.#child === null) throw new Error(`replica ${this.name} does not run: ${this.#endedUnasked ?? 'stopped'}`);
    return this.#child;
  }

  /** Its end is asked for from now on. */
  #take(): ManagedChild {
    const child = this.#running();
    this.#child = null;
    return child;
  }

  async #ready(signal: AbortSignal): Promise<void> {
    while (!(await isReady(`http://127.0.0.1:${this.#plan.port}/readyz`))) await sleep(POLL_MS, undefined, { signal });
  }

  async #measure(): Promise<void> {
    const pid = this.#child?.pid ?? 0;
    if (pid === 0) return;
    // It may have ended meanwhile.
    const peak = await peakMemoryMib(pid).catch(() => 0);
    this.#peakMemoryMib = Math.max(this.#peakMemoryMib, peak);
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url);
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
