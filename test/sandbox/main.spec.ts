import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const MAIN = join(__dirname, '../../sandbox/main.ts');

function run(env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'], ...env } });
}

describe('the sandbox process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, and exits 0 at once on %s', async (signal) => {
    const child = run({ SANDBOX_PORT: '0', SANDBOX_API_KEY: 'k' });
    if (child.stdout === null) throw new Error('no stdout');
    const [line] = await once(child.stdout, 'data');
    const url = /^sandbox listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(String(line))?.[1];
    expect((await fetch(`${url}/sandbox/health`)).status).toBe(200);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('exits 2 on a malformed variable and names it', async () => {
    const child = run({ SANDBOX_LATENCY_MS: 'fast' });
    if (child.stderr === null) throw new Error('no stderr');
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(errors).toMatch(/^SANDBOX_LATENCY_MS must be/);
    expect(code).toBe(2);
  });
});
