import { Credential } from '../../../src/dispatch/api-health/credential';

describe('Credential', () => {
  const command = (): object => ({});

  it('is refused by a 401 at once, and works again after a probe that succeeds', () => {
    const credential = new Credential();
    credential.unauthorized(0);
    expect([credential.isRefused, credential.passage(1000)]).toEqual([true, { kind: 'probe' }]);
    credential.probing(1000);
    credential.probed(false);
    expect(credential.passage(1000)).toEqual({ kind: 'blocked', waitMs: 5000 });
    expect(credential.passage(6000)).toEqual({ kind: 'probe' });
    credential.probing(6000);
    credential.probed(true);
    expect([credential.isRefused, credential.passage(6000)]).toEqual([false, { kind: 'free' }]);
  });

  it('holds a command after its first and second 403, 5 s each, and rejects it at the third', () => {
    const credential = new Credential();
    const held = command();
    expect(credential.forbidden(held, 0)).toEqual({ holdMs: 5000 });
    expect(credential.forbidden(held, 5000)).toEqual({ holdMs: 5000 });
    expect(credential.forbidden(held, 10_000)).toBe('reject');
  });

  it('does not count a 403 that comes less than 5 s after the last one', () => {
    const credential = new Credential();
    const held = command();
    credential.forbidden(held, 0);
    expect(credential.forbidden(held, 2000)).toEqual({ holdMs: 3000 });
    expect(credential.forbidden(held, 5000)).toEqual({ holdMs: 5000 });
    expect(credential.forbidden(held, 10_000)).toBe('reject');
  });

  it('names the held commands as at fault once another one has succeeded since', () => {
    const credential = new Credential();
    const [a, b] = [command(), command()];
    credential.forbidden(a, 0);
    credential.forbidden(b, 100);
    expect(credential.success(command())).toEqual([a, b]);
    expect(credential.success(command())).toEqual([]);
  });

  it('takes no success of the held command itself for one of another', () => {
    const credential = new Credential();
    const held = command();
    credential.forbidden(held, 1000);
    expect(credential.success(held)).toEqual([]);
    expect(credential.success(command())).toEqual([]);
  });

  it('is refused once 20 commands are held with no success between, and forgives them', () => {
    const credential = new Credential();
    const commands = Array.from({ length: 20 }, command);
    const verdicts = commands.map((each) => credential.forbidden(each, 0));
    expect(verdicts.slice(0, 19).every((verdict) => typeof verdict === 'object')).toBe(true);
    expect([verdicts[19], credential.isRefused]).toEqual(['credential', true]);
    expect(credential.success(command())).toEqual([]);
  });

  it('never has 20 held where something succeeds between', () => {
    const credential = new Credential();
    for (let i = 0; i < 100; i++) {
      if (i % 19 === 0) credential.success(command());
      credential.forbidden(command(), i);
    }
    expect(credential.isRefused).toBe(false);
  });

  it('takes every 403 for its own fault while it is refused', () => {
    const credential = new Credential();
    credential.unauthorized(0);
    expect(credential.forbidden(command(), 10)).toBe('credential');
  });

  it('does not count commands that are no longer here', () => {
    const credential = new Credential();
    for (let i = 0; i < 100; i++) {
      const each = command();
      credential.forbidden(each, 0);
      credential.forget(each);
    }
    expect(credential.isRefused).toBe(false);
  });
});
