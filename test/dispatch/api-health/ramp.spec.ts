import { Ramp } from '../../../src/dispatch/api-health/ramp';

describe('the ramp after an outage', () => {
  it('limits nothing before one', () => {
    expect(new Ramp(256).most).toBe(256);
  });

  it('begins low and grows by a quarter with each round of successes, until the usual limit is reached for good', () => {
    const ramp = new Ramp(256);
    ramp.begin();
    const limits: number[] = [];
    for (let round = 0; round < 30; round++) {
      limits.push(ramp.most);
      for (let i = 0, calls = ramp.most; i < calls; i++) ramp.success();
    }
    expect(limits.slice(0, 5)).toEqual([4, 5, 6, 7, 9]);
    expect(limits.filter((limit) => limit < 256).length).toBeGreaterThan(15);
    expect(limits.at(-1)).toBe(256);
    ramp.failure();
    expect(ramp.most).toBe(256);
  });

  it('takes back with a failure what a success gave, and never falls below where it began', () => {
    const ramp = new Ramp(256);
    ramp.begin();
    for (let i = 0; i < 64; i++) ramp.success();
    expect(ramp.most).toBe(20);
    for (let i = 0; i < 8; i++) ramp.failure();
    expect(ramp.most).toBe(18);
    for (let i = 0; i < 100; i++) ramp.failure();
    expect(ramp.most).toBe(4);
  });

  it('never exceeds a usual limit that is lower than where it begins', () => {
    const ramp = new Ramp(2);
    ramp.begin();
    expect(ramp.most).toBe(2);
  });
});
