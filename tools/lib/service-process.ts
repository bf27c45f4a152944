import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { freePorts } from '../kafka/free-ports.ts';
import { ManagedChild } from './child-process.ts';
import type { ServiceCommand } from './service-command.ts';

/** How to start the service. */
export interface ServicePlan extends ServiceCommand {
  readonly root: string;
  /** Settings in addition to `HTTP_PORT`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Its name in messages; default "the service". */
  readonly name?: string;
  /** Gets every line of its output. */
  readonly onLine?: (line: string) => void;
}

const POLL_MS = 50;
const READY_TIMEOUT_MS = 120_000;

/** The service as a process of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ManagedChild;

  private constructor(child: ManagedChild, url: string) {
    this.child = child;
    this.url = url;
  }

  /** Starts it, and does not wait. */
  static launch(plan: ServicePlan, port: number): ServiceProcess {
    const { root, command, args, settings, name = 'the service', onLine } = plan;
    const env = { ...settings, HTTP_PORT: String(port) };
    const child = new ManagedChild({ name, command, args, cwd: root, env, ...(onLine !== undefined && { onLine }) });
    return new ServiceProcess(child, `http://127.0.0.1:${port}`);
  }

  /** Starts it on a free port; resolves when it is ready. If it does not become ready, it is stopped. */
  static async start(plan: ServicePlan, signal: AbortSignal): Promise<ServiceProcess> {
    const [port = 0] = await freePorts(1);
    const service = ServiceProcess.launch(plan, port);
    try {
      await service.untilReady(signal);
      return service;
    } catch (error) {
      await service.child.stop();
      throw error;
    }
  }

  /** Resolves when `/readyz` answers 200. Rejects after two minutes, or with the service's output if it ends first. */
  async untilReady(signal: AbortSignal): Promise<void> {
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
    try {
      await this.child.whileRunning(this.#ready(giveUp), giveUp);
    } catch (error) {
      if (signal.aborted || !giveUp.aborted) throw error;
      const { name, tail } = this.child;
      throw new Error(`${name} is not ready after ${READY_TIMEOUT_MS / 1000} s:\n${tail}`, { cause: error });
    }
  }

  /** Sends SIGKILL; resolves when the process has ended. */
  async kill(): Promise<void> {
    this.child.signal('SIGKILL');
    await this.child.exited;
  }

  /** `/metrics` in Prometheus' text format; empty if the service does not answer, for instance while it stops. */
  async metrics(): Promise<string> {
    return request(`${this.url}/metrics`).then(
      ({ body }) => body.text(),
      () => '',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop();
  }

  async #ready(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.#isReady())) await sleep(POLL_MS, undefined, { signal });
  }

  async #isReady(): Promise<boolean> {
    try {
      const { statusCode, body } = await request(`${this.url}/readyz`);
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }
}
