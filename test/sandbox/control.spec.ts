import { Agent, setGlobalDispatcher } from 'undici';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { send } from './requests';

let sandbox: Sandbox;
let agent: Agent;

beforeEach(async () => {
  agent = new Agent();
  setGlobalDispatcher(agent);
  sandbox = await startSandbox();
});

afterEach(async () => {
  await sandbox.stop();
  await agent.destroy();
});

async function get(path: string): Promise<unknown> {
  const { status, text } = await send(sandbox, { method: 'GET', path });
  expect(status).toBe(200);
  return JSON.parse(text);
}

const put = (behaviour: unknown): ReturnType<typeof send> =>
  send(sandbox, { method: 'PUT', path: '/sandbox/behaviour', body: JSON.stringify(behaviour) });

describe('the control endpoints', () => {
  it('report what the API accepted, and are no calls themselves', async () => {
    await send(sandbox, { key: 'a b' });
    await get('/sandbox/health');
    expect(await get('/sandbox/accepted?key=a%20b')).toEqual({ key: 'a b', accepted: 1 });
    expect(await get('/sandbox/report')).toEqual(sandbox.report());
    expect(sandbox.report()).toMatchObject({ calls: 1, accepted: 1 });
  });

  it('change only the given settings, from the next call on', async () => {
    expect((await put({ faultRates: { status500: 1 } })).status).toBe(204);
    expect((await send(sandbox)).status).toBe(500);
    expect((await put({ recordCalls: true })).status).toBe(204);
    expect(sandbox.behaviour).toMatchObject({ faultRates: { status500: 1 }, recordCalls: true });
  });

  it('refuse a malformed behaviour as a whole', async () => {
    const { status, text } = await put({ latencyMs: 50, seed: 'x', other: 1 });
    expect([status, JSON.parse(text)]).toEqual([
      400,
      { errors: [expect.stringMatching(/^seed/), expect.stringMatching(/^other/)] },
    ]);
    expect(sandbox.behaviour.latencyMs).toBe(0);
    expect((await send(sandbox, { method: 'PUT', path: '/sandbox/behaviour', body: '{' })).status).toBe(400);
  });

  it('list calls as one line of JSON each', async () => {
    await put({ recordCalls: true });
    await send(sandbox, { key: 'x-1', contact: 'ü' });
    await send(sandbox, { key: 'x-2' });
    const { text } = await send(sandbox, { method: 'GET', path: '/sandbox/calls' });
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(sandbox.calls());
    expect(sandbox.calls()).toHaveLength(2);
  });

  it('reset the memory and keep the behaviour', async () => {
    await put({ seed: 7 });
    await send(sandbox, { key: 'x-1' });
    expect((await send(sandbox, { path: '/sandbox/reset', body: '' })).status).toBe(204);
    expect(sandbox.report()).toMatchObject({ calls: 0, accepted: 0 });
    expect(sandbox.behaviour.seed).toBe(7);
  });

  it('work without delay while everything else is slow or broken', async () => {
    await put({ latencyMs: 60_000, outage: { mode: 'hang' } });
    expect(await get('/sandbox/health')).toEqual({ status: 'ok' });
  });

  it('answer the request that makes the port refuse', async () => {
    expect((await put({ outage: { mode: 'refuse' } })).status).toBe(204);
    await expect(send(sandbox)).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNREFUSED|ECONNRESET|SOCKET/),
    });
    await sandbox.setBehaviour({ outage: null });
    expect((await send(sandbox)).status).toBe(200);
  });

  it('know no other paths', async () => {
    expect((await send(sandbox, { path: '/sandbox/other' })).status).toBe(404);
    expect((await send(sandbox, { method: 'GET', path: '/sandbox/accepted' })).status).toBe(400);
  });
});
