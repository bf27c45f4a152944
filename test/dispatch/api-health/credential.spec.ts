import { FREE, PROBE, PROBE_AGAIN } from '../../../src/dispatch/api-health/breaker';
import type { Answer } from '../../../src/dispatch/api-health/circuit';
import { Credential, type Refusable, type RefusalVerdict } from '../../../src/dispatch/api-health/credential';

const SUCCESS: Answer = { isFailure: false, isSuccess: true, isFinal: true };
const NO_SUCCESS: Answer = { isFailure: false, isSuccess: false, isFinal: false };
const REFUSED: RefusalVerdict = { kind: 'refused' };
const REJECT: RefusalVerdict = { kind: 'reject' };
const hold = (delayMs: number): RefusalVerdict => ({ kind: 'hold', delayMs });

const command = (workspaceId = 'w-1'): Refusable => ({ channel: 'whatsapp', workspaceId });

/** One key, and calls with it that are made and answered at one moment. */
class Key {
  readonly credential = new Credential<Refusable>();
  private readonly servedAtMs = new Map<string, number>();

  unauthorized(each: Refusable, nowMs: number): RefusalVerdict {
    const probed = this.credential.begin(each, nowMs);
    for (const refusal of probed) refusal.probed(NO_SUCCESS, nowMs);
    return this.credential.unauthorized(each, this.servedAtMs.get(each.workspaceId) ?? -Infinity, nowMs, nowMs);
  }

  success(each: Refusable, nowMs: number): Refusable[] {
    for (const refusal of this.credential.begin(each, nowMs)) refusal.probed(SUCCESS, nowMs);
    this.servedAtMs.set(each.workspaceId, nowMs);
    return this.credential.success(each, nowMs);
  }

  passage(workspaceId: string, nowMs: number): unknown {
    return this.credential.passage('whatsapp', workspaceId, nowMs);
  }
}

describe('Credential: 401', () => {
  it('lets the workspace wait alone, and probes it after 1 s and then every 5 s, until it is served', () => {
    const key = new Key();
    expect(key.unauthorized(command(), 0)).toEqual(REFUSED);
    expect([key.credential.isRefused, key.credential.isDoubted]).toEqual([false, true]);
    expect(key.passage('w-1', 999)).toMatchObject({ kind: 'blocked', waitMs: 1 });
    expect([key.passage('w-2', 0), key.passage('w-1', 1000)]).toEqual([FREE, PROBE]);
    key.unauthorized(command(), 1000);
    expect(key.passage('w-1', 5999)).toMatchObject({ kind: 'blocked', waitMs: 1 });
    key.success(command(), 6000);
    expect([key.passage('w-1', 6000), key.credential.isDoubted]).toEqual([FREE, false]);
  });

  it('refuses the key where two workspaces are refused with no success of the key between', () => {
    const key = new Key();
    key.unauthorized(command('w-1'), 0);
    key.success(command('w-3'), 1);
    key.unauthorized(command('w-2'), 2);
    expect(key.credential.isRefused).toBe(false);
    key.unauthorized(command('w-1'), 3);
    expect(key.credential.isRefused).toBe(true);
  });

  it('takes no calls for two that were on the wire together', () => {
    const { credential } = new Key();
    credential.unauthorized(command('w-1'), -Infinity, 0, 50);
    credential.unauthorized(command('w-2'), -Infinity, 0, 50);
    expect(credential.isRefused).toBe(false);
    credential.unauthorized(command('w-2'), -Infinity, 1050, 1100);
    expect(credential.isRefused).toBe(true);
  });

  it('tries a workspace at once that has not been tried since, and those that have been in turns', () => {
    const key = new Key();
    key.unauthorized(command('w-1'), 0);
    key.unauthorized(command('w-2'), 0);
    expect([key.passage('w-3', 0), key.passage('w-1', 0)]).toMatchObject([PROBE, { kind: 'blocked' }]);
    key.unauthorized(command('w-3'), 0);
    expect(key.passage('w-3', 0)).toMatchObject({ kind: 'blocked', waitMs: 5000 });
    expect(key.passage('w-1', 5000)).toEqual(PROBE_AGAIN);
    key.success(command('w-4'), 5000);
    expect(key.credential.isRefused).toBe(false);
    expect([key.passage('w-1', 5000), key.passage('w-5', 5000)]).toEqual([PROBE, FREE]);
  });

  it('lets the command wait alone, 5 s each time, where its workspace has been served since', () => {
    const key = new Key();
    const bad = command();
    expect(key.unauthorized(bad, 0)).toEqual(REFUSED);
    key.success(command(), 1000);
    expect(key.unauthorized(bad, 1001)).toEqual(hold(5000));
    expect(key.passage('w-1', 1001)).toEqual(FREE);
    expect(key.unauthorized(bad, 6001)).toEqual(hold(5000));
    expect(key.credential.isDoubted).toBe(false);
  });

  it('forgets a workspace that nothing is tried of for long', () => {
    const key = new Key();
    key.unauthorized(command(), 0);
    key.credential.sweep(600_000);
    expect(key.credential.workspacesRefused).toBe(1);
    key.credential.sweep(600_001);
    expect(key.credential.workspacesRefused).toBe(0);
  });
});

describe('Credential: 403', () => {
  it('holds a command after its first and second, 5 s each, and rejects it at the third', () => {
    const { credential } = new Key();
    const held = command();
    expect(credential.forbidden(held, 0, 0)).toEqual(hold(5000));
    expect(credential.forbidden(held, 5000, 5000)).toEqual(hold(5000));
    expect(credential.forbidden(held, 10_000, 10_000)).toEqual(REJECT);
  });

  it('does not count one that comes less than 5 s after the last one', () => {
    const { credential } = new Key();
    const held = command();
    credential.forbidden(held, 0, 0);
    expect(credential.forbidden(held, 2000, 2000)).toEqual(hold(3000));
    expect(credential.forbidden(held, 5000, 5000)).toEqual(hold(5000));
    expect(credential.forbidden(held, 10_000, 10_000)).toEqual(REJECT);
  });

  it('names the held commands as at fault once another one has succeeded since', () => {
    const key = new Key();
    const [a, b] = [command(), command('w-2')];
    key.credential.forbidden(a, 0, 0);
    key.credential.forbidden(b, 100, 100);
    expect(key.success(command('w-3'), 200)).toEqual([a, b]);
    expect(key.success(command('w-3'), 300)).toEqual([]);
  });

  it('takes no success of the held command itself for one of another', () => {
    const key = new Key();
    const held = command();
    key.credential.forbidden(held, 1000, 1000);
    expect(key.success(held, 2000)).toEqual([]);
  });

  it('counts 20 held with no success between as 401s of their workspaces, and forgives them', () => {
    const one = new Key();
    const verdicts = Array.from({ length: 20 }, () => one.credential.forbidden(command(), 0, 0));
    expect(verdicts.slice(0, 19).every(({ kind }) => kind === 'hold')).toBe(true);
    expect(verdicts[19]).toEqual(REFUSED);
    expect([one.credential.isRefused, one.credential.workspacesRefused]).toEqual([false, 1]);
    expect(one.success(command('w-2'), 1)).toEqual([]);
    const two = new Key();
    for (let i = 0; i < 20; i++) two.credential.forbidden(command(`w-${i % 2}`), 0, 0);
    expect([two.credential.isRefused, two.credential.workspacesRefused]).toEqual([true, 2]);
  });

  it('rejects what was forgiven at its next 403 once the key has worked since, and its workspace goes on', () => {
    const key = new Key();
    const all = Array.from({ length: 20 }, () => command());
    for (const each of all) key.credential.forbidden(each, 0, 0);
    key.success(command('w-2'), 500);
    expect(key.passage('w-1', 500)).toMatchObject({ kind: 'blocked' });
    expect(all.map((each) => key.credential.forbidden(each, 1000, 1000))).toEqual(all.map(() => REJECT));
    expect(key.passage('w-1', 1000)).toEqual(FREE);
  });

  it('never has 20 held where something succeeds between', () => {
    const key = new Key();
    for (let i = 0; i < 100; i++) {
      if (i % 19 === 0) key.success(command('w-2'), i);
      key.credential.forbidden(command(), i, i);
    }
    expect(key.credential.workspacesRefused).toBe(0);
  });

  it("is the workspace's while that waits", () => {
    const key = new Key();
    key.unauthorized(command(), 0);
    expect(key.credential.forbidden(command(), 10, 10)).toEqual(REFUSED);
  });

  it('does not count commands that are no longer here', () => {
    const { credential } = new Key();
    for (let i = 0; i < 100; i++) {
      const each = command();
      credential.forbidden(each, 0, 0);
      credential.forget(each);
    }
    expect(credential.workspacesRefused).toBe(0);
  });
});
