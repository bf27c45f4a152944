import { firstValueFrom, isObservable, type Observable } from 'rxjs';
import type { Command } from '../contract/command';
import type { SendCommand } from '../dispatch/ports';
import type { CallResult, SendPermit, Withdrawn } from '../messages-api/call-result';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import type { Log } from '../observability/log';

type CallEnd = CallResult | Withdrawn;

/** A handler as Nest wraps it: guards, interceptors and filters included. */
export type Handler = (command: Command, permit: SendPermit) => Promise<CallEnd | Observable<CallEnd>>;

/**
 * Calls through Nest's handler. With interceptors Nest answers with an Observable, and with one that fails where the handler
 * throws: a bug, after which nobody knows whether the call was made.
 */
export function sendByHandler(handler: Handler, log: Log): SendCommand {
  const failed = (error: unknown): CallResult => {
    log('error', 'the handler of commands failed', { pattern: SEND_MESSAGE, error });
    return { kind: 'perhaps-sent', reason: 'reset', httpStatus: null, detail: 'internal error' };
  };
  const first = (results: Observable<CallEnd>): Promise<CallEnd> => firstValueFrom(results).catch(failed);
  return (command, permit) =>
    handler(command, permit).then((result) => (isObservable(result) ? first(result) : result), failed);
}
