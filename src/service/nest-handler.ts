import { firstValueFrom, isObservable, type Observable } from 'rxjs';
import type { Command } from '../contract/command';
import type { SendCommand } from '../dispatch/ports';
import type { CallResult, SendPermit, Withdrawn } from '../messages-api/call-result';
import { SEND_MESSAGE } from '../messages-api/messages.controller';
import type { Log } from '../observability/log';

type CallEnd = CallResult | Withdrawn;

/** A handler that Nest has wrapped with guards, interceptors and filters. */
export type Handler = (command: Command, permit: SendPermit) => Promise<CallEnd | Observable<CallEnd>>;

/**
 * The permit of one call. The client asks it right before the first byte leaves. Once it has said yes, the call was
 * perhaps sent.
 */
class CallPermit implements SendPermit {
  private wasUsed = false;
  private isRevoked = false;

  constructor(private readonly permit: SendPermit) {}

  get maySend(): boolean {
    const maySend = !this.isRevoked && this.permit.maySend;
    this.wasUsed ||= maySend;
    return maySend;
  }

  /** Nothing leaves from now on. Returns whether something has perhaps left before. */
  revoke(): boolean {
    this.isRevoked = true;
    return this.wasUsed;
  }
}

/**
 * Makes calls through Nest's handler. The handler returns an Observable if guards or interceptors apply.
 *
 * If a guard, an interceptor or the controller fails or returns nothing, the result is `perhaps-sent` if a byte may
 * have left, else `not-sent`. After `not-sent` nothing leaves any more: the permit is revoked, since an interceptor
 * that gives up does not stop a call that waits for a connection.
 */
export function sendByHandler(handler: Handler, log: Log): SendCommand {
  const failed = (error: unknown, permit: CallPermit): CallResult => {
    log('error', 'the handler of commands failed', { pattern: SEND_MESSAGE, error });
    return permit.revoke()
      ? { kind: 'perhaps-sent', reason: 'reset', httpStatus: null, detail: 'internal error' }
      : { kind: 'not-sent', reason: 'handler', httpStatus: null, detail: 'refused before it was sent' };
  };
  return (command, given) => {
    const permit = new CallPermit(given);
    return handler(command, permit)
      .then((result) => (isObservable(result) ? firstValueFrom(result) : result))
      .catch((error: unknown) => failed(error, permit));
  };
}
