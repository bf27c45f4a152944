import { RestartBudget } from '../../../src/kafka/group/restart-budget';

describe('RestartBudget', () => {
  it('allows so many restarts within any ten minutes, and another one once the oldest is longer ago', () => {
    const budget = new RestartBudget(2);
    expect([0, 1_000, 2_000, 599_999, 600_000, 600_500, 601_000].map((nowMs) => budget.take(nowMs))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  it('allows no restart if it is 0', () => {
    expect(new RestartBudget(0).take(0)).toBe(false);
  });
});
