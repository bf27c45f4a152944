import { LimitedScopes } from '../../../src/dispatch/schedule/limited-scopes';
import { newJob } from '../fixtures';

describe('LimitedScopes', () => {
  it('holds back the workspace for as long as nothing else of it succeeds', () => {
    const scopes = new LimitedScopes(3_600_000);
    const job = newJob();
    const standings = Array.from({ length: 50 }, (_, i) => scopes.refused(job, i, i + 0.5));
    expect(standings.every(({ affects }) => affects === 'workspace')).toBe(true);
    expect(standings.map(({ consecutive }) => consecutive)).toEqual(standings.map((_, i) => i + 1));
  });

  it('holds back one command alone after ten refusals while others succeeded, and counts each further one as an attempt', () => {
    const scopes = new LimitedScopes(3_600_000);
    const job = newJob();
    const affects: string[] = [scopes.refused(job, 0, 0).affects];
    for (let i = 1; i <= 12; i++) {
      scopes.served('whatsapp', 'w-1');
      affects.push(scopes.refused(job, i, i).affects);
    }
    expect(affects).toEqual([...Array.from({ length: 10 }, () => 'workspace'), 'command', 'attempt', 'attempt']);
  });

  it('does not take successes of other workspaces or channels for those of others of its own', () => {
    const scopes = new LimitedScopes(3_600_000);
    const job = newJob();
    for (let i = 0; i < 30; i++) {
      scopes.served('whatsapp', 'w-2');
      scopes.served('telegram', 'w-1');
      expect(scopes.refused(job, i, i).affects).toBe('workspace');
    }
  });

  it('counts refusals of calls that were on the wire together once, and begins again after a success', () => {
    const scopes = new LimitedScopes(3_600_000);
    const wave = (startedMs: number, endedMs: number): number[] =>
      Array.from({ length: 3 }, () => scopes.refused(newJob(), startedMs, endedMs).consecutive);
    expect([wave(0, 10), wave(20, 30)]).toEqual([
      [1, 1, 1],
      [2, 2, 2],
    ]);
    scopes.served('whatsapp', 'w-1');
    expect(wave(40, 50)).toEqual([1, 1, 1]);
  });
});
