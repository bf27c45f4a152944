import { Injectable } from '@nestjs/common';
import { CommandConsumers } from '../kafka/group/command-consumers';
import { Halts } from '../kafka/partitions/halts';
import { StartChecks } from '../kafka/start/start-checks';
import { CommandFlow } from './command-flow';
import { Connections } from './connections';

/**
 * Starts and drains the service, step by step. Both may be called twice, and `stop` also before or during `start`.
 *
 *     created → start → running → stop (reading halts → calls and outcomes → commits → connections) → stopped
 */
@Injectable()
export class Lifecycle {
  private starting: Promise<void> | null = null;
  private stopping: Promise<void> | null = null;
  private isOpen = false;
  /** Aborts when the drain begins. A start that still waits for Kafka then ends. */
  private readonly drain = new AbortController();

  constructor(
    private readonly connections: Connections,
    private readonly checks: StartChecks,
    private readonly consumers: CommandConsumers,
    private readonly flow: CommandFlow,
    private readonly halts: Halts,
  ) {}

  /** Whether topics are checked, and every consumer has joined once. */
  get isStarted(): boolean {
    return this.isOpen && this.consumers.haveAllJoined;
  }

  get isDraining(): boolean {
    return this.stopping !== null;
  }

  /**
   * Resolves once consumers have begun to join, or once the drain has begun.
   *
   * @throws StartError that says what is refused or missing
   */
  start(): Promise<void> {
    this.starting ??= this.begin();
    return this.starting;
  }

  /**
   * Stops reading, waits until calls on the wire have settled, commits, leaves the groups, and closes all connections.
   * Resolves when that is done.
   */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  /** See {@link CommandConsumers.whenDead}. */
  whenDead(onDeath: (consumer: string) => void): void {
    this.consumers.whenDead(onDeath);
  }

  private async begin(): Promise<void> {
    const { consumers, flow, drain } = this;
    const { signal } = drain;
    this.isOpen = await this.connections.open((isCurrent) => flow.keysChanged(isCurrent), signal);
    if (!this.isOpen) return;
    await this.checks.replacePredecessor(consumers.groupIds, signal);
    if (!signal.aborted) consumers.start();
  }

  private async end(): Promise<void> {
    this.halts.set('draining', true);
    this.drain.abort();
    await this.flow.drain();
    await this.consumers.stop();
    await this.connections.close();
  }
}
