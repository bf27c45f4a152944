import { RecurringFault } from '../../../src/kafka/client/recurring-fault';

function atTimes(happenedAtMs: readonly number[]): boolean[] {
  let nowMs = 0;
  const fault = new RecurringFault(() => nowMs);
  return happenedAtMs.map((atMs) => {
    nowMs = atMs;
    return fault.happened();
  });
}

describe('a recurring fault', () => {
  it('is logged at once, then once a minute, however often it happens', () => {
    expect(atTimes([0, 50, 59_999, 60_000, 60_050, 120_000])).toEqual([true, false, false, true, false, true]);
  });

  it('is logged at once again after it was over, and its end once', () => {
    const fault = new RecurringFault(() => 0);
    expect(fault.ended()).toBe(false);
    expect(fault.happened()).toBe(true);
    expect([fault.ended(), fault.ended()]).toEqual([true, false]);
    expect(fault.happened()).toBe(true);
  });
});
