import { Controller } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { MessagePattern } from '@nestjs/microservices';
import type { Command } from '../contract/command';
import { ApiKeys } from './api-keys';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { MessagesApiClient } from './client';

/** The pattern under which the transport hands out commands. */
export const SEND_MESSAGE = 'send-message';

/** Sends one command: one call, whatever comes of it. Guards and interceptors of Nest apply here as usual. */
@Controller()
export class MessagesController {
  constructor(
    private readonly api: MessagesApiClient,
    private readonly keys: ApiKeys,
  ) {}

  @MessagePattern(SEND_MESSAGE)
  @WithoutPipes
  send(command: Command, permit: SendPermit): Promise<CallResult | Withdrawn> {
    const { operation, body, id, workspaceId } = command;
    const apiKey = this.keys.keyOf(workspaceId);
    return this.api.call({ apiKey, path: operation.path, body, idempotencyKey: id, permit });
  }
}

/**
 * Nest runs a message through its pipes, at a tenth of what a command costs in all, even where there are none: it takes a
 * method without decorated parameters for one with a payload to be piped. Commands are valid before they come here, so this
 * tells it that there is none; the arguments are handed on as they are.
 */
function WithoutPipes(target: object, method: string): void {
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, {}, target.constructor, method);
}
