import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { freePorts } from '../kafka/free-ports.ts';
import { ManagedChild } from './child-process.ts';
import type { ServiceCommand } from './service-command.ts';

/** How to start the service. */
export interface ServicePlan extends ServiceCommand {
  readonly root: string;
  /** Settings beside `HTTP_PORT`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Hears every line of its output. */
  readonly onLine?: (line: string) => void;
}

const POLL_MS = 50;
const READY_TIMEOUT_MS = 60_000;

/** The service as a process of its own. */
export class ServiceProcess implements AsyncDisposable {
  readonly url: string;
  readonly child: ManagedChild;

  private constructor(child: ManagedChild, url: string) {
    this.child = child;
    this.url = url;
  }

  /** Resolves once `/readyz` answers 200. Rejects with what the service said where it ends before, or after 60 s. */
  static async start(plan: ServicePlan, signal: AbortSignal): Promise<ServiceProcess> {
    const { root, command, args, settings, onLine } = plan;
    const [port] = await freePorts(1);
    const env = { ...settings, HTTP_PORT: String(port) };
    const child = new ManagedChild({
      name: 'the service',
      command,
      args,
      cwd: root,
      env,
      ...(onLine !== undefined && { onLine }),
    });
    const service = new ServiceProcess(child, `http://127.0.0.1:${port}`);
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
    try {
      await child.whileRunning(service.#untilReady(giveUp), giveUp);
      return service;
    } catch (error) {
      await child.stop();
      if (signal.aborted || !giveUp.aborted) throw error;
      throw new Error(`the service is not ready after ${READY_TIMEOUT_MS / 1000} s:\n${child.tail}`, { cause: error });
    }
  }

  /** `/metrics` in Prometheus' text format; empty where the service does not answer, as while it stops. */
  async metrics(): Promise<string> {
    return request(`${this.url}/metrics`).then(
      ({ body }) => body.text(),
      () => '',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop();
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
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
