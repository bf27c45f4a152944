import { BLOCKED, Breaker, FREE, PROBE } from '../../../src/dispatch/api-health/breaker';
import type { Answer, Called, Circuit } from '../../../src/dispatch/api-health/circuit';
import { Circuits } from '../../../src/dispatch/api-health/circuits';
import { FailureWindow } from '../../../src/dispatch/api-health/failure-window';

const FAILURE: Answer = { isFailure: true, isSuccess: false, isFinal: false };
const SUCCESS: Answer = { isFailure: false, isSuccess: true, isFinal: true };
const LIMITED: Answer = { isFailure: false, isSuccess: false, isFinal: false };

/** Different commands, spread over `keyCount` keys. */
function commands(count: number, keyCount = count): Called[] {
  return Array.from({ length: count }, (_, i) => ({ keyId: `k-${i % keyCount}` }));
}

function fail(window: FailureWindow, count: number, keyCount: number, nowMs: number): void {
  for (const command of commands(count, keyCount)) window.failure(command, nowMs);
}

function succeed(window: FailureWindow, count: number, nowMs: number): void {
  for (const command of commands(count)) window.success(command, nowMs);
}

describe('FailureWindow', () => {
  it('takes failures of 10 commands with 5 keys for a broken scope, and neither fewer commands nor fewer keys', () => {
    const isBroken = (count: number, keyCount: number): boolean => {
      const window = new FailureWindow();
      fail(window, count, keyCount, 1000);
      return window.isBroken(1000);
    };
    expect([isBroken(10, 5), isBroken(9, 5), isBroken(10, 4), isBroken(1000, 4)]).toEqual([true, false, false, false]);
  });

  it('counts commands by their latest call, not their calls', () => {
    const window = new FailureWindow();
    const nine = commands(9);
    for (let i = 0; i < 100; i++) for (const command of nine) window.failure(command, i * 50);
    expect(window.isBroken(5000)).toBe(false);
    fail(window, 1, 1, 5000);
    expect(window.isBroken(5000)).toBe(true);
    for (const command of nine) window.success(command, 6000);
    fail(window, 8, 8, 6000);
    expect(window.isBroken(6000)).toBe(false);
    fail(window, 1, 1, 6000);
    expect(window.isBroken(6000)).toBe(true);
  });

  it('needs at least half of all commands to fail', () => {
    const window = new FailureWindow();
    succeed(window, 11, 0);
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

  it('can leave earlier successes aside, those right before the first failure too', () => {
    const window = new FailureWindow();
    succeed(window, 1000, 3001);
    fail(window, 10, 5, 3002);
    expect([window.isBroken(3003), window.isBroken(3003, 3002)]).toEqual([false, true]);
  });

  it('gives away what a narrower one has counted', () => {
    const [wide, narrow] = [new FailureWindow(), new FailureWindow()];
    for (const window of [wide, narrow]) succeed(window, 20, 100);
    const failing = commands(30);
    for (const window of [wide, narrow]) for (const command of failing) window.failure(command, 200);
    fail(wide, 10, 5, 200);
    succeed(wide, 11, 200);
    expect(wide.isBroken(200)).toBe(true);
    wide.takeOut(narrow);
    expect(wide.isBroken(200)).toBe(false);
    fail(wide, 1, 1, 200);
    expect(wide.isBroken(200)).toBe(true);
  });
});

describe('Breaker', () => {
  it('probes 1 s after it opened, then every 5 s, one at a time, and at once after one that took longer in vain', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    expect(breaker.passage(0)).toEqual({ kind: 'blocked', waitMs: 1000, isRepeat: false });
    expect(breaker.passage(999)).toEqual({ kind: 'blocked', waitMs: 1, isRepeat: false });
    expect(breaker.passage(1000)).toEqual(PROBE);
    breaker.probing(1000);
    expect(breaker.passage(2000)).toEqual(BLOCKED);
    breaker.probed('no-better');
    expect(breaker.passage(2000)).toEqual({ kind: 'blocked', waitMs: 4000, isRepeat: false });
    expect(breaker.passage(6000)).toEqual(PROBE);
    breaker.probing(6000);
    expect(breaker.passage(60_000)).toEqual(BLOCKED);
    breaker.probed('no-better');
    expect(breaker.passage(60_000)).toEqual(PROBE);
    breaker.probing(60_000);
    breaker.probed('better');
    expect(breaker.passage(60_100)).toEqual(FREE);
  });

  it('probes again at once where a probe was not sent after all', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    breaker.probing(1000);
    breaker.unprobed();
    expect(breaker.passage(1001)).toEqual(PROBE);
  });

  it('does not move its probe where it is tripped again, nor closes without a probe', () => {
    const breaker = new Breaker();
    breaker.trip(0);
    breaker.trip(900);
    breaker.probed('better');
    expect(breaker.isClosed).toBe(false);
    expect(breaker.passage(1000)).toEqual(PROBE);
  });
});

/** The circuits of an API whose workspaces and channels a test calls one by one. */
class Calls {
  readonly circuits = new Circuits(256, (circuit) => this.changes.push(`${name(circuit)} ${circuit.isOpen}`));
  readonly changes: string[] = [];

  private keys = 0;

  /** Calls that are made and answered at one moment, each of another key; `scope` is channel/workspace. */
  call(scope: string, answer: Answer, nowMs: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      const command = { keyId: `k-${this.keys++}` };
      const circuit = this.of(scope);
      const probed = circuit.chain.filter((each) => each.begin('w', nowMs));
      circuit.answered(command, answer, nowMs);
      for (const each of probed) each.probed(answer, nowMs);
      for (const each of circuit.chain) each.end(nowMs);
    }
  }

  of(scope: string): Circuit {
    const [channel = '', workspaceId = ''] = scope.split('/');
    return this.circuits.of(channel as 'whatsapp', workspaceId);
  }

  get open(): string[] {
    return [...this.circuits.api.openWithin, this.circuits.api].filter(({ isOpen }) => isOpen).map(name);
  }
}

function name({ scope }: Circuit): string {
  return scope.kind === 'api'
    ? 'api'
    : scope.kind === 'channel'
      ? scope.channel
      : `${scope.channel}/${scope.workspaceId}`;
}

describe('Circuits', () => {
  it('opens the one of a workspace alone while others on its channel succeed', () => {
    const calls = new Calls();
    for (let i = 0; i < 30; i++) {
      calls.call('whatsapp/good', SUCCESS, i * 100);
      calls.call('whatsapp/bad', FAILURE, i * 100, 3);
    }
    expect(calls.open).toEqual(['whatsapp/bad']);
  });

  it('opens the one of a channel alone by the failures of workspaces that are too small for one of their own', () => {
    const calls = new Calls();
    for (let i = 0; i < 30; i++) {
      calls.call('whatsapp/good', SUCCESS, i * 100);
      calls.call(`telegram/w-${i}`, FAILURE, i * 100, 2);
    }
    expect(calls.open).toEqual(['telegram']);
    expect(calls.circuits.isApiDown(3000)).toBe(false);
  });

  it('opens the channel and the API too once nothing of theirs has succeeded for 10 s', () => {
    const calls = new Calls();
    calls.call('whatsapp/good', SUCCESS, 0);
    calls.call('whatsapp/bad', FAILURE, 1, 10);
    expect(calls.open).toEqual(['whatsapp/bad']);
    calls.call('whatsapp/small', FAILURE, 9_999);
    expect(calls.open).toEqual(['whatsapp/bad']);
    calls.call('telegram/small', FAILURE, 10_000);
    expect(calls.open).toEqual(['whatsapp/bad', 'api']);
    calls.call('whatsapp/small', FAILURE, 10_001);
    expect(calls.open).toEqual(['whatsapp/bad', 'whatsapp', 'api']);
  });

  it('takes the API for down where every channel that had a call in the last 10 s is', () => {
    const calls = new Calls();
    calls.call('telegram/w', SUCCESS, 0);
    calls.call('whatsapp/w', SUCCESS, 5_000);
    calls.call('whatsapp/small', FAILURE, 5_001, 4);
    for (let i = 0; i < 10; i++) calls.call(`whatsapp/w-${i}`, FAILURE, 5_002);
    expect(calls.open).toEqual(['whatsapp']);
    expect([calls.circuits.isApiDown(9_999), calls.circuits.isApiDown(10_000)]).toEqual([false, true]);
  });

  it('never opens for fewer than 5 keys, nor for limits', () => {
    const calls = new Calls();
    for (let i = 0; i < 100; i++) {
      for (const command of commands(10, 4)) calls.of('whatsapp/w').answered(command, FAILURE, i * 100);
      calls.call('telegram/w', LIMITED, i * 100, 10);
    }
    expect(calls.open).toEqual([]);
  });

  it('closes by a probe that is answered, whatever it says, not by a straggler; the narrower ones probe then at once', () => {
    const calls = new Calls();
    calls.call('whatsapp/bad', FAILURE, 0, 10);
    expect(calls.open).toEqual(['whatsapp/bad', 'whatsapp', 'api']);
    const circuit = calls.of('whatsapp/bad');
    circuit.answered({ keyId: 'straggler' }, SUCCESS, 500);
    expect(calls.open).toHaveLength(3);
    expect(circuit.passage(500).kind).toBe('blocked');
    calls.call('whatsapp/good', LIMITED, 1_000);
    expect(calls.open).toEqual(['whatsapp/bad']);
    expect(circuit.passage(1_000)).toEqual(PROBE);
  });

  it('lets what has been tried as a probe wait for what has not', () => {
    const calls = new Calls();
    calls.call('whatsapp/bad', FAILURE, 0, 10);
    const channel = calls.circuits.channel('whatsapp');
    channel?.begin('bad', 1_000);
    channel?.probed(FAILURE, 1_000);
    expect(channel?.passageOf('bad', 6_000)).toEqual({ kind: 'probe', isRepeat: true });
    expect(channel?.passageOf('other', 6_000)).toEqual(PROBE);
  });

  it('excuses the failures of its window and of the outage, and none before or after', () => {
    const calls = new Calls();
    calls.call('whatsapp/w', SUCCESS, 19_999);
    calls.call('whatsapp/w', FAILURE, 20_000, 10);
    calls.call('whatsapp/w', SUCCESS, 21_000);
    expect(calls.open).toEqual([]);
    const at = (startMs: number, endMs = startMs): boolean => calls.of('whatsapp/w').excuses(startMs, endMs);
    expect([at(9_999), at(10_000), at(20_000), at(21_000), at(21_001)]).toEqual([false, true, true, true, false]);
    expect([at(20_500, 29_000), at(21_001, 29_000)]).toEqual([true, false]);
  });

  it('excuses what belongs to the outage of a wider scope', () => {
    const calls = new Calls();
    calls.call('whatsapp/w', FAILURE, 0, 10);
    expect([calls.of('telegram/w').excuses(0, 0), calls.of('whatsapp/x').excuses(0, 0)]).toEqual([true, true]);
  });

  it('suspects an outage by what fails since a moment, where earlier successes outweigh it', () => {
    const calls = new Calls();
    calls.call('whatsapp/w', SUCCESS, 100, 1000);
    calls.call('whatsapp/w', FAILURE, 1000, 10);
    expect(calls.open).toEqual([]);
    const suspects = (scope: string, firstMs: number): boolean => calls.of(scope).suspects(firstMs, firstMs, 1000);
    expect([suspects('whatsapp/w', 1000), suspects('whatsapp/w', 0)]).toEqual([true, false]);
    expect([suspects('telegram/small', 1000), suspects('telegram/small', 0)]).toEqual([true, false]);
  });

  it('starts its count anew once it has closed, with a ramp', () => {
    const calls = new Calls();
    calls.call('whatsapp/w', SUCCESS, 0);
    calls.call('whatsapp/w', FAILURE, 0, 10);
    calls.call('whatsapp/w', SUCCESS, 1000);
    calls.call('whatsapp/w', FAILURE, 1001, 9);
    expect([calls.open, calls.of('whatsapp/w').mostAtOnce]).toEqual([[], 4]);
  });

  it('forgets workspaces that are as good as new', () => {
    const calls = new Calls();
    for (let i = 0; i < 10_000; i++) {
      calls.call(`whatsapp/w-${i}`, SUCCESS, i * 10);
      calls.circuits.sweep(i * 10);
    }
    const { channels } = calls.circuits as unknown as { channels: Map<string, { workspaces: Map<string, Circuit> }> };
    expect(channels.get('whatsapp')?.workspaces.size).toBeLessThanOrEqual(2_001);
  });
});
