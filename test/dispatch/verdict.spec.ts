import type { Delivery } from '../../src/contract/channels';
import { judge } from '../../src/dispatch/verdict';
import type { CallResult } from '../../src/messages-api/call-result';
import { ACCEPTED, FORBIDDEN, limited, REFUSED, REJECTED, status, TIMED_OUT, UNAUTHORIZED } from './fixtures';

const UNREADABLE: CallResult = { kind: 'unreadable', httpStatus: 200, detail: 'no MessageResponse' };
const DENIED: CallResult = { kind: 'not-sent', reason: 'handler', httpStatus: null, detail: 'refused' };
const RESET: CallResult = { kind: 'perhaps-sent', reason: 'reset', httpStatus: null, detail: 'reset' };

/** What follows, in short: the outcome, or the kind of wait and whether the call was perhaps sent. */
function short(result: CallResult, delivery: Delivery): string {
  const verdict = judge(result, delivery);
  if (verdict.kind === 'settle') return verdict.outcome;
  return verdict.kind === 'retry' ? `retry ${verdict.perhapsSent ? 'perhaps sent' : 'not sent'}` : verdict.kind;
}

describe('judge', () => {
  it.each<[string, CallResult, string, string]>([
    ['a refused connection', REFUSED, 'retry not sent', 'retry not sent'],
    ['a guard of Nest', DENIED, 'retry not sent', 'retry not sent'],
    ['429', limited(1000), 'limited', 'limited'],
    ['a timeout', TIMED_OUT, 'retry perhaps sent', 'in-doubt'],
    ['a reset', RESET, 'retry perhaps sent', 'in-doubt'],
    ['408', status(408), 'retry perhaps sent', 'in-doubt'],
    ['500', status(500), 'retry perhaps sent', 'in-doubt'],
    ['401', UNAUTHORIZED, 'unauthorized', 'unauthorized'],
    ['403', FORBIDDEN, 'forbidden', 'forbidden'],
    ['400', REJECTED, 'rejected', 'rejected'],
    ['200 with a MessageResponse', ACCEPTED, 'accepted', 'accepted'],
    ['200 with another body', UNREADABLE, 'in-doubt', 'in-doubt'],
  ])('follows the contract for %s', (_, result, atLeastOnce, atMostOnce) => {
    expect([short(result, 'at-least-once'), short(result, 'at-most-once')]).toEqual([atLeastOnce, atMostOnce]);
  });
});
