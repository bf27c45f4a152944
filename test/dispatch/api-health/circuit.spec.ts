import { Breaker } from '../../../src/dispatch/api-health/breaker';
import { Circuit } from '../../../src/dispatch/api-health/circuit';
import { FailureWindow } from '../../../src/dispatch/api-health/failure-window';

/** Fails `count` calls of different commands, spread over `keyCount` keys. */
function fail(target: Pick<FailureWindow, 'failure'>, count: number, keyCount: number, nowMs: number): void {
  for (let i = 0; i < count; i++) target.failure({}, `k-${i % keyCount}`, nowMs);
}

describe('FailureWindow', () => {
  it('takes failures of 10 commands with 5 keys for a broken API, and neither fewer commands nor fewer keys', () => {
    const isBroken = (commands: number, keyCount: number): boolean => {
      const window = new FailureWindow();
      fail(window, commands, keyCount, 1000);
      return window.isBroken(1000);
    };
    expect([isBroken(10, 5), isBroken(9, 5), isBroken(10, 4), isBroken(1000, 4)]).toEqual([true, false, false, false]);
  });

  it('counts commands, not their calls', () => {
    const window = new FailureWindow();
    const commands = Array.from({ length: 9 }, () => ({}));
    for (let i = 0; i < 100; i++) window.failure(commands[i % 9] ?? {}, `k-${i}`, 0);
    expect(window.isBroken(0)).toBe(false);
  });

  it('needs at least half of all calls to have failed', () => {
    const window = new FailureWindow();
    for (let i = 0; i < 11; i++) window.success(0);
    fail(window, 10, 5, 0);
    expect(window.isBroken(0)).toBe(false);
    fail(window, 1, 1, 0);
    expect(window.isBroken(0)).toBe(true);
  });

  it('forgets what is more than 10 s old', () => {
    const window = new FailureWindow();
    fail(window, 10, 5, 0);
    expect(window.isBroken(9_999)).toBe(true);
    expect(window.isBroken(10_050)).toBe(false);
    fail(window, 1, 1, 10_050);
    expect(window.isBroken(10_050)).toBe(false);
  });

  it('can leave earlier successes aside', () => {
    const window = new FailureWindow();
    for (let i = 0; i < 1000; i++) window.success(0);
    fail(window, 10, 5, 3000);
    expect([window.isBroken(3000), window.isBroken(3000, 2000)]).toEqual([false, true]);
  });
});

describe('Breaker', () => {
  it('probes 1 s after it opened, then every 5 s, one at a time, and at once after one that took longer in vain', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    expect(breaker.passage(0)).toEqual({ kind: 'blocked', waitMs: 1000 });
    expect(breaker.passage(999)).toEqual({ kind: 'blocked', waitMs: 1 });
    expect(breaker.passage(1000)).toEqual({ kind: 'probe' });
    breaker.probing(1000);
    expect(breaker.passage(2000)).toEqual({ kind: 'blocked', waitMs: Infinity });
    breaker.probed('no-better');
    expect(breaker.passage(2000)).toEqual({ kind: 'blocked', waitMs: 4000 });
    expect(breaker.passage(6000)).toEqual({ kind: 'probe' });
    breaker.probing(6000);
    expect(breaker.passage(60_000)).toEqual({ kind: 'blocked', waitMs: Infinity });
    breaker.probed('no-better');
    expect(breaker.passage(60_000)).toEqual({ kind: 'probe' });
    breaker.probing(60_000);
    breaker.probed('better');
    expect(breaker.passage(60_100)).toEqual({ kind: 'free' });
  });

  it('probes again at once where a probe was not sent after all', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    breaker.probing(1000);
    breaker.unprobed();
    expect(breaker.passage(1001)).toEqual({ kind: 'probe' });
  });

  it('does not move its probe where it is tripped again, nor closes without a probe', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    breaker.trip(900);
    breaker.probed('better');
    expect(breaker.isClosed).toBe(false);
    expect(breaker.passage(1000)).toEqual({ kind: 'probe' });
  });
});

describe('Circuit', () => {
  const opened = (atMs: number): Circuit => {
    const circuit = new Circuit();
    for (let i = 0; i < 10; i++) circuit.failure({}, `k-${i}`, atMs, false);
    return circuit;
  };
  const probe = (circuit: Circuit, atMs: number, succeeds: boolean): void => {
    expect(circuit.passage(atMs)).toEqual({ kind: 'probe' });
    circuit.probing(atMs);
    if (succeeds) circuit.success(atMs, true);
    else circuit.failure({}, 'k-0', atMs, true);
  };

  it('is closed by a probe that succeeds, not by a straggler', () => {
    const circuit = opened(0);
    circuit.success(500, false);
    expect(circuit.isOpen).toBe(true);
    probe(circuit, 1000, true);
    expect(circuit.isOpen).toBe(false);
  });

  it('excuses the failures of its window and of the outage, and none before or after', () => {
    const circuit = opened(20_000);
    probe(circuit, 21_000, true);
    const at = (ms: number): boolean => circuit.excuses(ms, ms);
    expect([at(9_999), at(10_000), at(20_000), at(21_000), at(21_001)]).toEqual([false, true, true, true, false]);
  });

  it('excuses a call that was made during the outage and failed after its end', () => {
    const circuit = opened(20_000);
    probe(circuit, 21_000, true);
    expect([circuit.excuses(20_500, 29_000), circuit.excuses(21_001, 29_000)]).toEqual([true, false]);
  });

  it('still excuses while open where a call that was a probe of something else succeeded', () => {
    const circuit = opened(20_000);
    circuit.success(20_100, true);
    expect([circuit.isOpen, circuit.excuses(20_200, 20_200)]).toEqual([true, true]);
  });

  it('remembers the outages of an API that comes and goes', () => {
    const circuit = opened(20_000);
    let nowMs = 20_000;
    for (let i = 0; i < 100; i++) {
      nowMs += 1000;
      probe(circuit, nowMs, true);
      for (let j = 0; j < 10; j++) circuit.failure({}, `k-${j}`, nowMs, false);
      expect(circuit.isOpen).toBe(true);
    }
    expect(circuit.excuses(20_000, 20_000)).toBe(true);
  });

  it('suspects an outage by the calls since a moment, where earlier successes outweigh it in the window', () => {
    const circuit = new Circuit();
    for (let i = 0; i < 1000; i++) circuit.success(0, false);
    for (let i = 0; i < 10; i++) circuit.failure({}, `k-${i}`, 1000, false);
    expect([circuit.isOpen, circuit.suspects(1000, 1000), circuit.suspects(0, 1000)]).toEqual([false, true, false]);
  });

  it('starts its count anew once it has closed', () => {
    const circuit = opened(0);
    probe(circuit, 1000, true);
    for (let i = 0; i < 9; i++) circuit.failure({}, `k-${i}`, 1001, false);
    expect(circuit.isOpen).toBe(false);
  });
});
