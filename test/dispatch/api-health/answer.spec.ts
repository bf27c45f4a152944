import { isApiFailure, isCommandsOwnFailure, isFinal, isSuccess } from '../../../src/dispatch/api-health/answer';
import type { CallResult } from '../../../src/messages-api/call-result';
import { ACCEPTED, FORBIDDEN, limited, REFUSED, REJECTED, status, TIMED_OUT, UNAUTHORIZED } from '../fixtures';

const UNREADABLE: CallResult = { kind: 'unreadable', httpStatus: 200, detail: 'no MessageResponse' };
const DENIED: CallResult = { kind: 'not-sent', reason: 'handler', httpStatus: null, detail: 'refused' };
const RESET: CallResult = { kind: 'perhaps-sent', reason: 'reset', httpStatus: null, detail: 'reset' };

describe('what a result says of others than its command', () => {
  const results = { ACCEPTED, REJECTED, REFUSED, DENIED, TIMED_OUT, RESET, UNREADABLE, UNAUTHORIZED, FORBIDDEN };
  const statuses = Object.fromEntries([408, 425, 500, 502, 503, 504, 599].map((code) => [code, status(code)]));
  const those = (test: (result: CallResult) => boolean): string[] =>
    Object.entries({ ...results, LIMITED: limited(null), ...statuses }).flatMap(([name, result]) =>
      test(result) ? [name] : [],
    );

  it('counts connect, timeout, reset and 5xx against the API', () => {
    expect(those(isApiFailure).sort()).toEqual(['500', '502', '503', '504', '599', 'REFUSED', 'RESET', 'TIMED_OUT']);
  });

  it('takes a status other than 502, 503 and 504 for the command’s own failure', () => {
    expect(those(isCommandsOwnFailure)).toEqual(['408', '425', '500', '599']);
  });

  it('takes for final what ends its command, whatever its delivery', () => {
    expect(those(isFinal)).toEqual(['ACCEPTED', 'REJECTED', 'UNREADABLE']);
  });

  it('takes only 2xx for a success of the credential', () => {
    expect(those(isSuccess)).toEqual(['ACCEPTED', 'UNREADABLE']);
  });
});
