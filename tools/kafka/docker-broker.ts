import { getContainerRuntimeClient } from 'testcontainers';
import { STOP_GRACE_S } from './dev-kafka.ts';
import type { Broker, KillSignal } from './dev-kafka.ts';

type Container = ReturnType<Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['getById']>;

/** A broker as a container. Its data are inside the container; its port on the host is fixed. */
export class DockerBroker implements Broker {
  readonly address: string;
  readonly listeners = {};
  readonly #container: Container;

  constructor(address: string, container: Container) {
    this.address = address;
    this.#container = container;
  }

  /** Not known here: testcontainers reports a container that ends while it starts. */
  fault(): undefined {
    return undefined;
  }

  async start(): Promise<void> {
    if (!(await this.#running())) await this.#container.start();
  }

  async kill(signal: KillSignal): Promise<void> {
    if (!(await this.#running())) return;
    const ended: Promise<unknown> = this.#container.wait();
    await this.#container.kill({ signal });
    await ended;
  }

  async stop(): Promise<void> {
    if (await this.#running()) await this.#container.stop({ t: STOP_GRACE_S });
  }

  async pause(): Promise<void> {
    await this.#container.pause();
  }

  async resume(): Promise<void> {
    await this.#container.unpause();
  }

  async #running(): Promise<boolean> {
    return (await this.#container.inspect()).State.Running;
  }
}
