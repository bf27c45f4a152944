import type { Delivery } from '../contract/channels';
import type { MessageResponse, Outcome } from '../contract/outcome';
import type { CallResult } from '../messages-api/call-result';

/** Why a command is sent again; also the label of the retry counter. */
export type RetryReason = 'connect' | 'timeout' | 'reset' | 'status';

/** What follows from the result of one call, before any count of attempts. */
export type Verdict =
  | { readonly kind: 'settle'; readonly outcome: Outcome; readonly response: MessageResponse }
  | { readonly kind: 'retry'; readonly reason: RetryReason; readonly perhapsSent: boolean }
  | { readonly kind: 'limited'; readonly retryAfterMs: number | null }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'forbidden'; readonly detail: string };

/** The table "Which failure means what" of the contract, as a function of the call's result and the command's delivery. */
export function judge(result: CallResult, delivery: Delivery): Verdict {
  switch (result.kind) {
    case 'accepted':
    case 'rejected':
      return { kind: 'settle', outcome: result.kind, response: result.response };
    case 'unreadable':
      return inDoubt(result.detail);
    case 'not-sent':
      return { kind: 'retry', reason: result.reason, perhapsSent: false };
    case 'perhaps-sent':
      return delivery === 'at-most-once'
        ? inDoubt(result.detail)
        : { kind: 'retry', reason: result.reason, perhapsSent: true };
    case 'limited':
      return { kind: 'limited', retryAfterMs: result.retryAfterMs };
    case 'unauthorized':
      return { kind: 'unauthorized' };
    case 'forbidden':
      return { kind: 'forbidden', detail: result.detail };
  }
}

/** What the result says of the API's health: the circuit counts failures to connect, timeouts, resets and 5xx. */
export function isApiFailure(result: CallResult): boolean {
  switch (result.kind) {
    case 'not-sent':
      return true;
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

/** Whether a probe's failure counts as an attempt of its command: the API answered 5xx by itself. */
export function isCommandsOwnFailure(result: CallResult): boolean {
  return result.kind === 'perhaps-sent' && result.reason === 'status' && !GATEWAY_STATUSES.has(result.httpStatus);
}

function inDoubt(detail: string): Verdict {
  return { kind: 'settle', outcome: 'in-doubt', response: { id: '', status: '', error: detail } };
}
