import type { MessageResponse } from '../contract/outcome';

/**
 * What one call to the Messages API came to. `detail` and `response` may hold the API's own words, cut to what a result may
 * show: they belong in results and dead letters, never in logs.
 *
 * - `accepted`, `rejected`, `unreadable` settle the command (`unreadable` as in-doubt: a 2xx that is no MessageResponse).
 * - `not-sent`: no byte left, so sending again cannot duplicate. By `handler`, a guard or an interceptor of Nest refused it,
 *   which says nothing of the API.
 * - `limited`: refused for now; `retryAfterMs` is what the API asked for, null where it gave nothing usable.
 * - `perhaps-sent`: the request left and no final answer came back. `reason` feeds the circuit and the retry metrics;
 *   `httpStatus` is null without an answer.
 * - `unauthorized` (401) and `forbidden` (403) speak of the credential, perhaps of the command.
 */
export type CallResult =
  | { readonly kind: 'accepted'; readonly httpStatus: number; readonly response: MessageResponse }
  | { readonly kind: 'rejected'; readonly httpStatus: number; readonly response: MessageResponse }
  | { readonly kind: 'unreadable'; readonly httpStatus: number; readonly detail: string }
  | {
      readonly kind: 'not-sent';
      readonly reason: 'connect' | 'handler';
      readonly httpStatus: null;
      readonly detail: string;
    }
  | {
      readonly kind: 'limited';
      readonly httpStatus: number;
      readonly retryAfterMs: number | null;
      readonly detail: string;
    }
  | {
      readonly kind: 'perhaps-sent';
      readonly reason: 'timeout' | 'reset' | 'status';
      readonly httpStatus: number | null;
      readonly detail: string;
    }
  | { readonly kind: 'unauthorized'; readonly httpStatus: 401; readonly response: MessageResponse }
  | { readonly kind: 'forbidden'; readonly httpStatus: 403; readonly response: MessageResponse };

/** No call was made: by the time it could leave, the command was no longer this replica's to send. */
export interface Withdrawn {
  readonly kind: 'withdrawn';
}

/** Asked right before the first byte of a call leaves, which may be long after the call was begun: a process can be frozen. */
export interface SendPermit {
  readonly maySend: boolean;
}
