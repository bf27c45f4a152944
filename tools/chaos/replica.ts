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
  /** The replica's log, over all restarts. */
  readonly logFile: string;
}

const MEMORY_EVERY_MS = 500;

/** One replica of the service. It keeps its name and port when it restarts. */
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

  /** The most memory that any of its processes ever had resident, in MiB. */
  get peakMemoryMib(): number {
    return this.#peakMemoryMib;
  }

  /** How it ended without being asked to; null if it did not. */
  get endedUnasked(): string | null {
    return this.#endedUnasked;
  }

  /** Starts it, and does not wait. */
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

  /** Resolves when `/readyz` answers 200. Rejects if the process ends first, or with the signal's reason. */
  async untilReady(signal: AbortSignal): Promise<void> {
    await this.#running().untilReady(signal);
  }

  /** Sends SIGTERM; resolves to the exit code. */
  async stop(): Promise<number> {
    return this.#expectEnd().child.stop();
  }

  /** Sends SIGKILL; resolves when the process has ended. */
  async kill(): Promise<void> {
    await this.#expectEnd().kill();
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

  /** From now on its end is expected. */
  #expectEnd(): ServiceProcess {
    const service = this.#running();
    this.#service = null;
    return service;
  }

  async #measure(): Promise<void> {
    const pid = this.#service?.child.pid ?? 0;
    if (pid === 0) return;
    // It may have ended meanwhile.
    const peak = await peakMemoryMib(pid).catch(() => 0);
    this.#peakMemoryMib = Math.max(this.#peakMemoryMib, peak);
  }
}
