import { Injectable } from '@nestjs/common';
import { type CustomTransportStrategy, Server } from '@nestjs/microservices';
import { SharedClient } from '../kafka/client/shared-client';
import { StartError } from '../kafka/start/start-checks';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import { HandlerSender } from './handler-sender';
import { Lifecycle } from './lifecycle';
import type { Handler } from './nest-handler';

/** Nest's transport for commands: what Nest asks of one, and no more. How commands go is in command-flow.ts. */
@Injectable()
export class CommandTransport extends Server implements CustomTransportStrategy {
  constructor(
    private readonly lifecycle: Lifecycle,
    private readonly sender: HandlerSender,
    private readonly client: SharedClient,
  ) {
    super();
  }

  /** Starts the service; `callback` hears of a fault that forbids the start. */
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

  /** The client of kafkajs. */
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
