import { Inject, Injectable } from '@nestjs/common';
import type { CommandSender, SendCommand } from '../dispatch/ports';
import { KAFKA_LOG, type KafkaLog } from '../kafka/client/kafka-client';
import { type Handler, sendByHandler } from './nest-handler';

/** Sends commands through Nest's handler, `MessagesController.send`, with its guards and interceptors. */
@Injectable()
export class HandlerSender implements CommandSender {
  private sendByHandler: SendCommand | null = null;

  constructor(@Inject(KAFKA_LOG) private readonly log: KafkaLog) {}

  /** To be called before the first record is read. */
  use(handler: Handler): void {
    this.sendByHandler = sendByHandler(handler, this.log);
  }

  send(...call: Parameters<SendCommand>): ReturnType<SendCommand> {
    if (this.sendByHandler === null) throw new Error('the transport has not begun');
    return this.sendByHandler(...call);
  }
}
