import { createConnection } from 'node:net';
import { Agent, request, setGlobalDispatcher } from 'undici';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { until } from '../deadline.ts';
import { BODIES, TEXT_PATH, send } from './requests';
import type { Sent } from './requests';

let sandbox: Sandbox;
let agent: Agent;

async function start(behaviour: Partial<Behaviour> = {}): Promise<void> {
  sandbox = await startSandbox({ behaviour });
}

beforeEach(() => {
  agent = new Agent();
  setGlobalDispatcher(agent);
});

afterEach(async () => {
  await sandbox.stop();
  await agent.destroy();
});

/** Writes raw bytes. Resolves to the answer when it contains `until`, or when the connection is closed. */
function raw(text: string, until: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(sandbox.port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (seen.includes(until)) socket.destroy();
    });
    socket.on('close', () => resolve(seen));
    socket.on('error', reject);
  });
}

function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => 'no failure', String);
}

/** Waits until the sandbox has seen `calls` calls. */
async function seen(calls: number): Promise<void> {
  await until(() => sandbox.report().calls >= calls, `${calls} calls`);
}

/** How a call ends if its caller gives up after the sandbox has seen it, and the sandbox then answers another call. */
async function giveUp(sent: Sent): Promise<string> {
  const controller = new AbortController();
  const calls = sandbox.report().calls + 1;
  const failure = failureOf(send(sandbox, { ...sent, signal: controller.signal }));
  await seen(calls);
  await send(sandbox, { method: 'GET', path: '/sandbox/health' });
  controller.abort();
  return failure;
}

function rawPost(key: string, contact: string, headers = ''): string {
  const body = JSON.stringify({ ...BODIES[TEXT_PATH], contact: { id: contact } });
  return (
    `POST ${TEXT_PATH} HTTP/1.1\r\nHost: h\r\nX-Api-Key: sandbox-key\r\nContent-Type: application/json\r\n` +
    `Idempotency-Key: ${key}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
  );
}

describe('the nine endpoints', () => {
  it.each(Object.keys(BODIES))('accept a valid body at %s', async (path) => {
    await start();
    const { status, text } = await send(sandbox, { path, body: JSON.stringify(BODIES[path]) });
    expect([status, JSON.parse(text)]).toEqual([200, { id: 'msg_1', status: 'queued', error: '' }]);
  });

  it.each([
    ['an unknown path', { path: '/v1/messages/telegram/sendtext' }, 404],
    ['another method', { method: 'GET' as const }, 405],
    ['an unknown key', { headers: { 'x-api-key': 'other' } }, 401],
    ['another content type', { headers: { 'content-type': 'text/plain' } }, 415],
    ['no JSON', { body: '{' }, 400],
    ['an empty body', { body: '' }, 400],
    ['a body against the schema', { body: '{"ünknown":1}' }, 400],
  ])('refuse %s, say why, and accept nothing', async (_name, sent, expected) => {
    await start();
    const { status, text } = await send(sandbox, sent);
    expect(status).toBe(expected);
    expect(JSON.parse(text)).toEqual({ id: '', status: 'failed', error: expect.stringMatching(/./) });
    expect(sandbox.report()).toMatchObject({ calls: 1, accepted: 0, byStatus: { [expected]: 1 } });
  });

  it('refuse a call without a key, and a body that is not UTF-8', async () => {
    await start();
    expect(await raw(rawPost('k', 'c').replace('X-Api-Key', 'X-Other'), '}')).toMatch(/^HTTP\/1.1 401 /);
    expect(await raw(rawPost('k', '\xff\xff'), '}')).toMatch(/^HTTP\/1.1 400 /);
  });

  it('forbid a key of another workspace, and a general key if the workspace has its own', async () => {
    await start({ workspaceKeys: { 'w-2': 'key-2' } });
    const status = async (apiKey: string, workspace: string): Promise<number> =>
      (await send(sandbox, { workspace, headers: { 'x-api-key': apiKey } })).status;
    expect(await status('key-2', 'w-2')).toBe(200);
    expect(await status('key-2', 'w-1')).toBe(403);
    expect(await status('sandbox-key', 'w-2')).toBe(403);
    expect(await status('sandbox-key', 'w-1')).toBe(200);
  });
});

describe('a connection', () => {
  it('answers pipelined requests in order, one at a time', async () => {
    await start({ latencyMs: 5 });
    const answers = await raw(['x-1', 'x-2', 'x-3'].map((key) => rawPost(key, 'c-1')).join(''), 'msg_3');
    expect(answers.match(/msg_\d/g)).toEqual(['msg_1', 'msg_2', 'msg_3']);
    expect(sandbox.report()).toMatchObject({ overlaps: 0, maxConcurrent: 1 });
  });

  it('answers thousands of requests that waited behind a slow one', async () => {
    await start({ latencyMs: 200 });
    const shortest = 'G / HTTP/1.1\r\nHost:\r\n\r\n';
    const answers = raw(rawPost('x-1', 'c-1') + shortest.repeat(5000) + rawPost('x-2', 'c-1'), 'msg_2');
    await seen(1);
    await sandbox.setBehaviour({ latencyMs: 0 });
    expect((await answers).match(/HTTP\/1.1 404/g)).toHaveLength(5000);
    expect(sandbox.report()).toMatchObject({ calls: 5002, accepted: 2, byStatus: { '404': 5000 } });
  });

  it('answers Expect: 100-continue before the body', async () => {
    await start();
    expect(await raw(rawPost('k', 'c', 'Expect: 100-continue\r\n'), 'queued')).toMatch(
      /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/,
    );
  });

  it('closes after Connection: close and after bytes that are no HTTP', async () => {
    await start();
    expect(await raw(rawPost('k', 'c', 'Connection: close\r\n'), 'never')).toMatch(/Connection: close/);
    expect(await raw('nonsense\r\n\r\n', 'never')).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('latency', () => {
  it('is never shorter than set, and jitter is added to it', async () => {
    await start({ latencyMs: 20, jitterMs: 10 });
    for (let call = 0; call < 10; call++) {
      const startMs = performance.now();
      await send(sandbox);
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(20);
    }
  });
});

describe('the memory of the sandbox', () => {
  it('counts overlapping calls for one recipient, and no others', async () => {
    await start({ latencyMs: 200 });
    await Promise.all([send(sandbox, { contact: 'a' }), send(sandbox, { contact: 'b' })]);
    expect(sandbox.report()).toMatchObject({ overlaps: 0, maxConcurrent: 2 });
    await Promise.all([send(sandbox, { contact: 'a' }), send(sandbox, { contact: 'a' })]);
    expect(sandbox.report()).toMatchObject({ overlaps: 1 });
  });

  it('ends a call when its caller leaves, so that a retry is no overlap', async () => {
    await start({ faultRules: [{ match: {}, fault: 'hang', times: 1 }] });
    expect(await giveUp({ key: 'x-1' })).toMatch('abort');
    expect((await send(sandbox, { key: 'x-1' })).status).toBe(200);
    expect(sandbox.report()).toMatchObject({ overlaps: 0, accepted: 1, duplicates: 0 });
  });

  it('counts duplicates and falling numbers', async () => {
    await start();
    for (const key of ['x-1', 'x-3', 'x-3', 'x-2']) await send(sandbox, { key });
    expect(sandbox.report()).toMatchObject({ accepted: 4, uniqueAccepted: 3, duplicates: 1, orderViolations: 1 });
    expect(sandbox.accepted('x-3')).toBe(2);
    sandbox.reset();
    expect(sandbox.report()).toMatchObject({ calls: 0, accepted: 0, duplicates: 0, byStatus: {} });
  });

  it('survives a reset while calls are in progress', async () => {
    await start({ latencyMs: 200 });
    const call = send(sandbox);
    await seen(1);
    sandbox.reset();
    await call;
    await Promise.all([send(sandbox, { contact: 'a' }), send(sandbox, { contact: 'b' })]);
    expect(sandbox.report()).toMatchObject({ calls: 2, maxConcurrent: 2 });
  });

  it('keeps a log of calls only when told to', async () => {
    await start();
    await send(sandbox);
    await sandbox.setBehaviour({ recordCalls: true, faultRules: [{ match: { keyPrefix: 'x' }, fault: 'status500' }] });
    await send(sandbox, { key: 'x-1' });
    await send(sandbox, { key: 'y-1' });
    const common = { at: expect.any(Number), path: TEXT_PATH, recipient: 'c-1', workspace: 'w-1' };
    expect(sandbox.calls()).toEqual([
      { ...common, key: 'x-1', status: 500, fault: 'status500', accepted: false },
      { ...common, key: 'y-1', status: 200, fault: null, accepted: true },
    ]);
  });
});

describe('rate limits', () => {
  it('let a burst pass, and answer 429 after it', async () => {
    await start({ rateLimits: { perChannel: { count: 1, windowMs: 3_600_000, burst: 10, slackMs: 0 } } });
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await send(sandbox)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    expect(sandbox.report()).toMatchObject({ limited: 20, accepted: 10 });
  });

  it.each([
    ['seconds', /^3600$/],
    ['date', / GMT$/],
    ['none', /^undefined$/],
    ['garbage', /^presently$/],
    [86_400, /^86400$/],
  ] as const)('say when to come back in the style %s', async (retryAfter, header) => {
    await start({ retryAfter, rateLimits: { perRecipient: { count: 1, windowMs: 3_600_000 } } });
    await send(sandbox);
    const { status, headers } = await send(sandbox);
    expect(status).toBe(429);
    expect(String(headers['retry-after'])).toMatch(header);
  });
});

describe('faults', () => {
  const startWith = (fault: string): Promise<void> => start({ faultRates: { [fault]: 1 } });

  it.each([
    ['status401', 401],
    ['status403', 403],
    ['status408', 408],
    ['status425', 425],
    ['status429', 429],
    ['status500', 500],
    ['status502', 502],
    ['status503', 503],
    ['status503RetryAfter', 503],
    ['status504', 504],
    ['redirect', 302],
    ['reject422', 422],
    ['reject200', 200],
  ])('%s answers %i and accepts nothing', async (fault, expected) => {
    await startWith(fault);
    const { status, headers } = await send(sandbox, { key: 'x-1' });
    expect(status).toBe(expected);
    expect(headers['location'] !== undefined).toBe(fault === 'redirect');
    expect(headers['retry-after'] !== undefined).toBe(fault === 'status429' || fault === 'status503RetryAfter');
    expect(sandbox.accepted('x-1')).toBe(0);
  });

  it('reject200 answers 200 with a reason', async () => {
    await startWith('reject200');
    expect(JSON.parse((await send(sandbox)).text)).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/./),
    });
  });

  it.each([
    ['resetBeforeAcceptance', 0],
    ['resetAfterAcceptance', 1],
  ])('%s resets the connection', async (fault, times) => {
    await startWith(fault);
    await expect(send(sandbox, { key: 'x-1' })).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNRESET|SOCKET/),
    });
    expect(sandbox.accepted('x-1')).toBe(times);
    expect(sandbox.report()).toMatchObject({ byStatus: { reset: 1 } });
  });

  it.each([
    ['hang', 0],
    ['hangAfterAcceptance', 1],
  ])('%s never answers', async (fault, times) => {
    await startWith(fault);
    expect(await giveUp({ key: 'x-1' })).toMatch('abort');
    expect(sandbox.accepted('x-1')).toBe(times);
  });

  it.each([
    ['html200', /^<!doctype html>/],
    ['wrongId', /^\{"id":4711,/],
  ])('%s answers 200 with a body that is no MessageResponse', async (fault, body) => {
    await startWith(fault);
    const { status, text } = await send(sandbox, { key: 'x-1' });
    expect(status).toBe(200);
    expect(text).toMatch(body);
    expect(sandbox.accepted('x-1')).toBe(1);
  });

  it('truncated200 ends in the middle of the body', async () => {
    await startWith('truncated200');
    await expect(send(sandbox, { key: 'x-1' })).rejects.toThrow('does not match content-length');
    expect(sandbox.accepted('x-1')).toBe(1);
  });

  it('huge200 sends a hundred million bytes', async () => {
    await startWith('huge200');
    const response = await fetch(sandbox.url + TEXT_PATH, {
      method: 'POST',
      headers: { 'x-api-key': 'sandbox-key', 'content-type': 'application/json' },
      body: JSON.stringify(BODIES[TEXT_PATH]),
    });
    let bytes = 0;
    for await (const chunk of response.body ?? []) bytes += chunk.length;
    expect(bytes).toBe(100_000_000);
  });

  it('slowTrickle sends its body piece by piece', async () => {
    await startWith('slowTrickle');
    const { headers, body } = await request(sandbox.url + TEXT_PATH, {
      method: 'POST',
      headers: { 'x-api-key': 'sandbox-key', 'content-type': 'application/json', 'idempotency-key': 'x-1' },
      body: JSON.stringify(BODIES[TEXT_PATH]),
    });
    let bytes = 0;
    let pieces = 0;
    for await (const piece of body) {
      bytes += (piece as Buffer).length;
      if (++pieces === 3) break;
    }
    expect(bytes).toBeLessThan(Number(headers['content-length']));
    expect(sandbox.accepted('x-1')).toBe(1);
  });
});

describe('an outage', () => {
  it.each(['500', '503'] as const)(
    'of mode %s answers every call with this status until it is switched off',
    async (mode) => {
      await start({ outage: { mode } });
      expect((await send(sandbox)).status).toBe(Number(mode));
      await sandbox.setBehaviour({ outage: null });
      expect((await send(sandbox)).status).toBe(200);
    },
  );

  it('of mode reset or hang accepts nothing', async () => {
    await start({ outage: { mode: 'reset' } });
    await expect(send(sandbox)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|SOCKET/) });
    await sandbox.setBehaviour({ outage: { mode: 'hang' } });
    expect(await giveUp({})).toMatch('abort');
    expect(sandbox.report()).toMatchObject({ calls: 2, accepted: 0 });
  });

  it('of mode refuse closes the port and all connections, and opens the same port again by itself', async () => {
    await start({ faultRules: [{ match: { keyPrefix: 'x' }, fault: 'hang' }] });
    const hanging = failureOf(send(sandbox, { key: 'x-1' }));
    await seen(1);
    await sandbox.setBehaviour({ outage: { mode: 'refuse' } });
    expect(await hanging).toMatch('other side closed');
    await expect(send(sandbox)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await sandbox.setBehaviour({ outage: { mode: 'refuse', forMs: 1 } });
    await until(() => sandbox.behaviour.outage === null, 'the outage is over');
    await sandbox.setBehaviour({});
    expect((await send(sandbox)).status).toBe(200);
  });
});

describe('stop', () => {
  it('closes connections at once and may be called again', async () => {
    await start({ faultRates: { hang: 1 } });
    const hanging = failureOf(send(sandbox));
    await seen(1);
    await sandbox.stop();
    expect(await hanging).toMatch('other side closed');
    await sandbox.stop();
    await expect(send(sandbox)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('ends an outage of mode refuse without opening the port again', async () => {
    await start({ outage: { mode: 'refuse', forMs: 5 } });
    await sandbox.stop();
    // A timer that is set later fires later.
    await new Promise((resolve) => void setTimeout(resolve, 5));
    await sandbox.setBehaviour({ outage: null });
    await expect(send(sandbox)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
