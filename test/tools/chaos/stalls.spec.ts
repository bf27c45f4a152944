import { longestStall } from '../../../tools/chaos/stalls';

describe('the longest stall', () => {
  it('counts from the arrival if nothing waited before, else from one settlement to the next', () => {
    const spans = [
      { arrivedAtMs: 100, settledAtMs: 150 },
      { arrivedAtMs: 1_000, settledAtMs: 1_040 },
      { arrivedAtMs: 1_010, settledAtMs: 1_300 },
    ];
    expect(longestStall(spans, 9_000)).toEqual({ fromMs: 1_040, ms: 260 });
  });

  it('does not count the wait of a command while others are settled', () => {
    const spans = [
      { arrivedAtMs: 0, settledAtMs: 1_000 },
      ...Array.from({ length: 9 }, (_, n) => ({ arrivedAtMs: 0, settledAtMs: (n + 1) * 100 })),
    ];
    expect(longestStall(spans, 9_000).ms).toBe(100);
  });

  it('lasts to the end if something is never settled', () => {
    const spans = [
      { arrivedAtMs: 0, settledAtMs: 500 },
      { arrivedAtMs: 0, settledAtMs: null },
    ];
    expect(longestStall(spans, 2_000)).toEqual({ fromMs: 500, ms: 1_500 });
  });

  it('is 0 if nothing arrives, or everything is settled at once', () => {
    expect(longestStall([], 2_000).ms).toBe(0);
    expect(
      longestStall(
        [
          { arrivedAtMs: 7, settledAtMs: 7 },
          { arrivedAtMs: 7, settledAtMs: 7 },
        ],
        2_000,
      ).ms,
    ).toBe(0);
  });

  it('is 0 if the clock of the broker is a little behind', () => {
    expect(longestStall([{ arrivedAtMs: 10, settledAtMs: 8 }], 2_000).ms).toBe(0);
  });
});
