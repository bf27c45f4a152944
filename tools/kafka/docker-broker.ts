import { getContainerRuntimeClient } from 'testcontainers';
import { STOP_GRACE_S } from './dev-kafka.ts';
import type { Broker, KillSignal } from './dev-kafka.ts';

type Container = ReturnType<Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['getById']>;

/** A broker as a container; its data live in the container, its host port is fixed. */
export class DockerBroker implements Broker {
  readonly address: string;
  readonly listeners = {};
  readonly #container: Container;

  constructor(address: string, container: Container) {
    this.address = address;
    this.#container = container;
  }

  /** Unknown here: a container that ends while it starts is reported by testcontainers. */
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
