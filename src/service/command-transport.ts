import { Injectable } from '@nestjs/common';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { SharedClient } from '../kafka/client/shared-client';
import { StartError } from '../kafka/start/start-checks';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import { HandlerSender } from './handler-sender';
import { Lifecycle } from './lifecycle';
import type { Handler } from './nest-handler';

/**
 * Nest's transport for commands: the methods that Nest needs, and no more. command-flow.ts has the flow of commands.
 */
@Injectable()
export class CommandTransport extends Server implements CustomTransportStrategy {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly sender: HandlerSender,
    private readonly client: SharedClient,
  ) {
    super();
  }

  /** Starts the service. Calls `callback` once it has started, or with the error for which it cannot start. */
  listen(callback: (error?: unknown) => void): void {
    void this.begin(callback);
  }

  /** Drains the service. Resolves when all is done. */
  close(): Promise<void> {
    return this.lifecycle.stop();
  }

  on(): void {
    throw new Error('the command transport has no events of its own');
  }

  /** kafkajs' client. */
  unwrap<T>(): T {
    return this.client.kafka as T;
  }

  private async begin(callback: (error?: unknown) => void): Promise<void> {
    try {
      this.findHandler();
      await this.lifecycle.start();
    } catch (error) {
      callback(error);
      return;
    }
    callback();
  }

  private findHandler(): void {
    const handler = this.getHandlerByPattern(SEND_MESSAGE);
    if (handler === null) throw new StartError(`no handler for ${SEND_MESSAGE}`);
    this.sender.use(handler as unknown as Handler);
  }
}
