import type { TimedFault } from '../../../tools/chaos/faults';
import { SCENARIOS, SESSION_TIMEOUT_MS, planOf } from '../../../tools/chaos/scenarios';
import type { Scenario } from '../../../tools/chaos/scenarios';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed * 7_919);

const LEFT_TO_NO_CHANCE = new Set(['crash-loop', 'duplicates']);

const forms = SCENARIOS.flatMap((scenario) => [
  { name: scenario.name, form: scenario.long, scenario },
  { name: `${scenario.name}, short`, form: scenario.short, scenario },
]);

describe.each(forms)('the plan of $name', ({ form, scenario }) => {
  it('depends only on the seed', () => {
    for (const seed of SEEDS) expect(planOf(form, seed)).toEqual(planOf(form, seed));
  });

  it('is in order, and begins after the load', () => {
    for (const seed of SEEDS) {
      const times = planOf(form, seed).map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times[0] ?? 1).toBeGreaterThan(0);
    }
  });

  it('ends while commands are still produced', () => {
    for (const seed of SEEDS) expect(endOf(planOf(form, seed))).toBeLessThan(loadMs(form.load));
  });

  it('starts only replicas that do not run, stops only those that run, and never stops the last one for good', () => {
    for (const seed of SEEDS) expect(fewestRunning(scenario, planOf(form, seed))).toBeGreaterThanOrEqual(1);
  });
});

describe('plans', () => {
  it.each(SCENARIOS.filter(({ name }) => !LEFT_TO_NO_CHANCE.has(name)))('of $name differ by seed', ({ long }) => {
    expect(new Set(SEEDS.map((seed) => JSON.stringify(planOf(long, seed)))).size).toBeGreaterThan(10);
  });

  it('freeze replicas for longer than the session timeout', () => {
    const zombie = SCENARIOS.find(({ name }) => name === 'zombie');
    const faults = SEEDS.flatMap((seed) => (zombie === undefined ? [] : planOf(zombie.long, seed)));
    expect(faults.length).toBeGreaterThan(0);
    for (const { fault } of faults) {
      expect(fault.kind === 'freeze' && fault.forMs).toBeGreaterThan(SESSION_TIMEOUT_MS);
    }
  });

  it('kill ten times in the long form, and each replica with at least one seed', () => {
    const kills = SCENARIOS.find(({ name }) => name === 'kills');
    const plans = SEEDS.map((seed) => (kills === undefined ? [] : planOf(kills.long, seed)));
    expect(new Set(plans.map(({ length }) => length))).toEqual(new Set([10]));
    expect(new Set(plans.flat().map(({ fault }) => fault.kind === 'kill' && fault.replica))).toEqual(
      new Set(['a', 'b']),
    );
  });

  it('set every clock right in the end', () => {
    const clock = SCENARIOS.find(({ name }) => name === 'clock');
    for (const seed of SEEDS) {
      const last = new Map<string, number>();
      for (const { fault } of clock === undefined ? [] : planOf(clock.long, seed)) {
        if (fault.kind === 'clock') last.set(fault.replica, fault.offByMs);
      }
      expect([...last]).toEqual(expect.arrayContaining([['a', 0], ['b', 0]])); // prettier-ignore
    }
  });
});

/** When the last fault is over, if each fault takes exactly its time. */
function endOf(plan: readonly TimedFault[]): number {
  return plan.reduce((endMs, { atMs, fault }) => Math.max(endMs, atMs) + ('forMs' in fault ? fault.forMs : 0), 0);
}

function loadMs({ count, perSecond, copies = 1 }: Scenario['long']['load']): number {
  return ((count * copies) / perSecond) * 1_000;
}

function fewestRunning({ replicas }: Scenario, plan: readonly TimedFault[]): number {
  const running = new Set<string>(replicas);
  let fewest = running.size;
  for (const { fault } of plan) {
    if (!('replica' in fault)) continue;
    expect(running.has(fault.replica)).toBe(fault.kind !== 'start');
    if (fault.kind === 'start') running.add(fault.replica);
    if (fault.kind === 'stop') running.delete(fault.replica);
    fewest = Math.min(fewest, running.size);
  }
  return fewest;
}
