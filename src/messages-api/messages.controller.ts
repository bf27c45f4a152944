import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { Command } from '../contract/command';
import type { CallResult } from './call-result';
import { MessagesApiClient } from './client';

/** The pattern under which the transport hands out commands. */
export const SEND_MESSAGE = 'send-message';

/** Sends one command: one call, whatever comes of it. Guards, pipes and interceptors of Nest apply here as usual. */
@Controller()
export class MessagesController {
  constructor(private readonly api: MessagesApiClient) {}

  @MessagePattern(SEND_MESSAGE)
  send(command: Command): Promise<CallResult> {
    const { operation, body, id } = command;
    return this.api.call({ path: operation.path, body, idempotencyKey: id });
  }
}
