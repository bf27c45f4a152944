import type { Delivery } from '../contract/channels';
import type { MessageResponse, Outcome } from '../contract/outcome';
import type { CallResult } from '../messages-api/call-result';

/** Why a command is sent again; also the label of the retry counter. */
export type RetryReason = 'connect' | 'handler' | 'timeout' | 'reset' | 'status';

/** What follows from the result of one call, before any count of attempts. */
export type Verdict =
  | { readonly kind: 'settle'; readonly outcome: Outcome; readonly response: MessageResponse }
  | { readonly kind: 'retry'; readonly reason: RetryReason; readonly perhapsSent: boolean }
  | { readonly kind: 'limited'; readonly retryAfterMs: number | null }
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'forbidden'; readonly response: MessageResponse };

/**
 * The table "Which failure means what" of the contract, as a function of the call's result and the command's delivery.
 */
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
      return { kind: 'forbidden', response: result.response };
  }
}

function inDoubt(detail: string): Verdict {
  return { kind: 'settle', outcome: 'in-doubt', response: { id: '', status: '', error: detail } };
}
