import { Controller } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { MessagePattern } from '@nestjs/microservices';
import type { Command } from '../contract/command';
import { ApiKeys } from './api-keys';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { MessagesApiClient } from './client';

/** The message pattern under which the transport finds the handler. */
export const SEND_MESSAGE = 'send-message';

/** Sends one command: makes one call and returns its result. Guards and interceptors of Nest apply as usual. */
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
 * Skips Nest's pipes. Nest runs them even if there are none, which costs a tenth of a command's whole CPU time: it
 * assumes that a method without decorated parameters has a payload for pipes. Commands are already validated here, so
 * this tells Nest that there is no payload. The arguments are passed on unchanged.
 */
function WithoutPipes(target: object, method: string): void {
  Reflect.defineMetadata(ROUTE_ARGS_METADATA, {}, target.constructor, method);
}
