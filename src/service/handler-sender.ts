import { LOG } from '../observability/tokens';
import type { Log } from '../observability/log';
import { Inject, Injectable } from '@nestjs/common';
import type { CommandSender, SendCommand } from '../dispatch/ports';
import { type Handler, sendByHandler } from './nest-handler';

/** Sends commands through Nest's handler, `MessagesController.send`, with its guards and interceptors. */
@Injectable()
export class HandlerSender implements CommandSender {
  private sendByHandler: SendCommand | null = null;

  constructor(@Inject(LOG) private readonly log: Log) {}

  /** Must be called before the first record is read. */
  use(handler: Handler): void {
    this.sendByHandler = sendByHandler(handler, this.log);
  }

  send(...call: Parameters<SendCommand>): ReturnType<SendCommand> {
    if (this.sendByHandler === null) throw new Error('the transport has not begun');
    return this.sendByHandler(...call);
  }
}
