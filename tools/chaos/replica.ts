import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { peakMemoryMib } from '../lib/process-usage.ts';
import { ServiceProcess } from '../lib/service-process.ts';
import type { ServicePlan } from '../lib/service-process.ts';
import type { ReplicaName } from './faults.ts';

/** How to run a replica. */
export interface ReplicaPlan {
  readonly name: ReplicaName;
  readonly port: number;
  readonly service: ServicePlan;
  /** Keeps what it says, over restarts. */
  readonly logFile: string;
}

const MEMORY_EVERY_MS = 500;

/** One replica of the service, which keeps its name and port over restarts. */
export class Replica implements AsyncDisposable {
  readonly name: ReplicaName;
  readonly #plan: ReplicaPlan;
  readonly #log: WriteStream;
  readonly #watch: NodeJS.Timeout;
  #service: ServiceProcess | null = null;
  #peakMemoryMib = 0;
  #endedUnasked: string | null = null;

  constructor(plan: ReplicaPlan) {
    this.name = plan.name;
    this.#plan = plan;
    this.#log = createWriteStream(plan.logFile);
    this.#watch = setInterval(() => void this.#measure(), MEMORY_EVERY_MS).unref();
  }

  get isRunning(): boolean {
    return this.#service !== null;
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
    if (this.#service !== null) return;
    const { port, service: plan } = this.#plan;
    const name = `replica ${this.name}`;
    this.#note('started');
    const service = ServiceProcess.launch({ ...plan, name, onLine: (line) => this.#log.write(`${line}\n`) }, port);
    this.#service = service;
    void service.child.exited.then((code) => {
      if (this.#service !== service) return;
      this.#service = null;
      this.#endedUnasked = `${name} with ${code}: ${service.child.tail.slice(-300)}`;
    });
  }

  /** Resolves once `/readyz` answers 200. Rejects where it ends before, or with the signal's reason. */
  async untilReady(signal: AbortSignal): Promise<void> {
    await this.#running().untilReady(signal);
  }

  /** SIGTERM; resolves to its exit code. */
  async stop(): Promise<number> {
    return this.#take().child.stop();
  }

  /** SIGKILL; resolves once it is gone. */
  async kill(): Promise<void> {
    await this.#take().kill();
    this.#note('killed');
  }

  freeze(): void {
    this.#running().child.signal('SIGSTOP');
    this.#note('frozen');
  }

  thaw(): void {
    this.#service?.child.signal('SIGCONT');
    this.#note('thawed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    if (this.#service !== null) await this.kill();
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #note(what: string): void {
    this.#log.write(`--- ${what} at ${new Date().toISOString()}\n`);
  }

  #running(): ServiceProcess {
    if (this.#service === null)
      throw new Error(`replica ${this.name} does not run: ${this.#endedUnasked ?? 'stopped'}`);
    return this.#service;
  }

  /** Its end is asked for from now on. */
  #take(): ServiceProcess {
    const service = this.#running();
    this.#service = null;
    return service;
  }

  async #measure(): Promise<void> {
    const pid = this.#service?.child.pid ?? 0;
    if (pid === 0) return;
    // It may have ended meanwhile, or be about to replace itself.
    const peak = await peakMemoryMib(pid).catch(() => 0);
    this.#peakMemoryMib = Math.max(this.#peakMemoryMib, peak);
  }
}
