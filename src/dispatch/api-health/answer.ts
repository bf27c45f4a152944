import type { CallResult } from '../../messages-api/call-result';

/** What the result says of the API's health: the circuit counts failures to connect, timeouts, resets and 5xx. */
export function isApiFailure(result: CallResult): boolean {
  switch (result.kind) {
    case 'not-sent':
      return result.reason === 'connect';
    case 'perhaps-sent':
      return result.reason !== 'status' || (result.httpStatus ?? 0) >= 500;
    case 'accepted':
    case 'rejected':
    case 'unreadable':
    case 'limited':
    case 'unauthorized':
    case 'forbidden':
      return false;
  }
}

/** Whether the API took the call, and with it the credential; what it says of the command does not matter. */
export function isSuccess({ httpStatus }: CallResult): boolean {
  return httpStatus !== null && httpStatus >= 200 && httpStatus < 300;
}

/** Whether the answer ends its command, whatever the command's delivery. */
export function isFinal({ kind }: CallResult): boolean {
  return kind === 'accepted' || kind === 'rejected' || kind === 'unreadable';
}

/** Statuses by which gateways speak for an API that is away; any other 5xx may be about the command that got it. */
const GATEWAY_STATUSES: ReadonlySet<number | null> = new Set([502, 503, 504]);

/** Whether the API was not asked at all: the result says nothing of its health. */
export function isUnasked(result: CallResult): boolean {
  return result.kind === 'not-sent' && result.reason === 'handler';
}

/** Whether a probe's failure counts as an attempt of its command: the API answered 5xx by itself. */
export function isCommandsOwnFailure(result: CallResult): boolean {
  return result.kind === 'perhaps-sent' && result.reason === 'status' && !GATEWAY_STATUSES.has(result.httpStatus);
}
