import type { MessageResponse } from '../contract/outcome';

/**
 * The result of one call to the Messages API. `detail` and `response` may contain the API's own words, cut to the
 * length that a result may have. They may be in results and dead letters, never in logs.
 *
 * - `accepted`, `rejected` and `unreadable` settle the command. `unreadable` is a 2xx whose body is no MessageResponse,
 *   and settles it as in-doubt.
 * - `not-sent`: no byte left, so another call cannot duplicate the message. With reason `handler` a guard or
 *   interceptor of Nest refused the call, which says nothing about the API.
 * - `limited`: refused for now. `retryAfterMs` is the wait that the API asked for, null if it gave no usable one.
 * - `perhaps-sent`: the request left, and no answer decides about the command. The circuit and the metrics use
 *   `reason`. `httpStatus` is null without an answer.
 * - `unauthorized` (401) and `forbidden` (403) are about the API key, or perhaps about the command.
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

/** No call was made: at the moment it could leave, this replica was no longer sure to own the command's partition. */
export interface Withdrawn {
  readonly kind: 'withdrawn';
}

/**
 * Asked right before the first byte of a call leaves. That may be long after the call was begun, since a process can be
 * frozen.
 */
export interface SendPermit {
  readonly maySend: boolean;
}
