import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import type { CallResult, Withdrawn } from '../../src/messages-api/call-result';
import { MessagesApiClient } from '../../src/messages-api/client';
import type { MessagesApiOptions } from '../../src/messages-api/client';
import { DEADLINE_MS, until } from '../deadline';
import { CERTIFICATE, trustingTestCertificate } from './certificate';
import { ACCEPTED, answer, startRawServer } from './raw-server';
import type { RawServer, RawServerOptions } from './raw-server';

const KEY = 'planted-key';
const REQUEST = {
  apiKey: KEY,
  permit: { maySend: true },
  path: '/v1/messages/whatsapp/sendtext',
  body: '{"textMessage":"planted-text"}',
  idempotencyKey: 'c-1',
};
const OK: CallResult = {
  kind: 'accepted',
  httpStatus: 200,
  response: { id: 'msg_81', status: 'queued', error: '' },
};

const clients: MessagesApiClient[] = [];
const servers: RawServer[] = [];

async function serve(
  onRequest: (socket: Socket, count: number) => void,
  options?: RawServerOptions,
): Promise<RawServer> {
  const server = await startRawServer(onRequest, options);
  servers.push(server);
  return server;
}

function connectTo(baseUrl: string, options: Partial<MessagesApiOptions> = {}): MessagesApiClient {
  const client = new MessagesApiClient({
    baseUrl,
    timeoutMs: DEADLINE_MS,
    maxConnections: 4,
    maxResponseBytes: 1 << 20,
    ...options,
  });
  clients.push(client);
  return client;
}

/** Makes one call to a server that answers every request by `onRequest`. */
async function callOnce(
  onRequest: (socket: Socket, count: number) => void,
  options?: Partial<MessagesApiOptions>,
): Promise<CallResult | Withdrawn> {
  const server = await serve(onRequest);
  const result = await connectTo(server.url, options).call(REQUEST);
  expect(JSON.stringify(result)).not.toContain('planted');
  return result;
}

/** From now on only `pass` makes the deadlines of calls pass. Everything else goes on. */
function stopTheClock(): void {
  const timers = ['setTimeout', 'clearTimeout', 'performance'];
  const doNotFake = ALL_FAKES.filter((each) => !timers.includes(each));
  jest.useFakeTimers({ doNotFake });
}

const ALL_FAKES = [
  'Date',
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;

async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await settle();
}

/** Waits for enough turns of the event loop, so that everything is read that was sent within this process. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await nextTurn();
}

function posts(server: RawServer): number {
  return server.received().split('POST').length - 1;
}

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe('a call that is answered', () => {
  it('is one POST with the headers of the contract', async () => {
    const server = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    expect(await connectTo(server.url).call({ ...REQUEST, idempotencyKey: 'é 1' })).toEqual(OK);
    const [head = '', body] = server.received().split('\r\n\r\n');
    const [requestLine, ...headers] = head.split('\r\n');
    expect(requestLine).toBe('POST /v1/messages/whatsapp/sendtext HTTP/1.1');
    expect(headers.toSorted()).toEqual([
      'accept: application/json',
      'connection: keep-alive',
      `content-length: ${REQUEST.body.length}`,
      'content-type: application/json',
      `host: 127.0.0.1:${server.port}`,
      'idempotency-key: %C3%A9%201',
      'user-agent: messages-dispatcher',
      `x-api-key: ${KEY}`,
    ]);
    expect(body).toBe(REQUEST.body);
  });

  it.each(['/base/v2', '/base/v2/'])('goes below the path of the base URL %s', async (prefix) => {
    const server = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    expect(await connectTo(server.url + prefix).call(REQUEST)).toEqual(OK);
    expect(server.received()).toMatch(/^POST \/base\/v2\/v1\/messages\/whatsapp\/sendtext HTTP/);
  });

  it('is followed by other calls on the same connection', async () => {
    const server = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    const client = connectTo(server.url);
    for (let i = 0; i < 20; i++) expect(await client.call(REQUEST)).toEqual(OK);
    expect(server.sockets).toHaveLength(1);
  });

  it('may come in pieces, chunked, after interim answers, or as HTTP/1.0', async () => {
    const half = ACCEPTED.length >> 1;
    const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
    const chunked =
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n` +
      `${chunk(ACCEPTED.slice(0, half))}${chunk(ACCEPTED.slice(half))}0\r\n\r\n`;
    const answers: ((socket: Socket) => void)[] = [
      (socket) => socket.write(chunked),
      (socket) => {
        const text = answer('200 OK', ACCEPTED);
        for (let i = 0; i < text.length; i += 30) setTimeout(() => socket.write(text.slice(i, i + 30)), i);
      },
      (socket) => socket.write(`HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${chunked}`),
      (socket) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${ACCEPTED}`),
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${ACCEPTED}`),
    ];
    const server = await serve((socket, count) => answers[count - 1]?.(socket));
    const client = connectTo(server.url);
    for (const _ of answers) expect(await client.call(REQUEST)).toEqual(OK);
  });

  it('has Retry-After in its result, the first one if there are two', async () => {
    expect(
      await callOnce((socket) => socket.write(answer('429 Slow Down', '', 'Retry-After: 3\r\nretry-after: 9\r\n'))),
    ).toMatchObject({ kind: 'limited', httpStatus: 429, retryAfterMs: 3000 });
  });

  it('ends at a redirect, whose target sees nothing', async () => {
    const target = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    const result = await callOnce((socket) =>
      socket.write(answer('307 Temporary Redirect', '', `location: ${target.url}/\r\n`)),
    );
    expect(result).toMatchObject({ kind: 'rejected', httpStatus: 307, response: { error: 'HTTP 307' } });
    expect(target.sockets).toHaveLength(0);
  });

  it('goes over TLS, to a server whose certificate is trusted and names the host', async () => {
    const server = await serve((socket) => socket.end(answer('200 OK', ACCEPTED, 'connection: close\r\n')), {
      server: createTlsServer(CERTIFICATE),
    });
    const url = `https://localhost:${server.port}`;
    expect(await connectTo(url).call(REQUEST)).toMatchObject({ kind: 'not-sent' });
    await trustingTestCertificate(async () => {
      const client = connectTo(url);
      expect(await client.call(REQUEST)).toEqual(OK);
      expect(await client.call(REQUEST)).toEqual(OK);
      expect(await connectTo(`https://127.0.0.1:${server.port}`).call(REQUEST)).toMatchObject({ kind: 'not-sent' });
    });
  });
});

describe('a call of which nothing left', () => {
  it('is not sent if the connection is refused', async () => {
    const server = await startRawServer(() => undefined);
    await server.close();
    expect(await connectTo(server.url).call(REQUEST)).toEqual({
      kind: 'not-sent',
      reason: 'connect',
      httpStatus: null,
      detail: 'not sent: ECONNREFUSED',
    });
  });

  it('does not leave if its permit was withdrawn, on a new connection or on a kept one', async () => {
    const served: number[] = [];
    const server = await serve((socket, count) => {
      served.push(count);
      socket.write(answer('200 OK', ACCEPTED));
    });
    const client = connectTo(server.url, { maxConnections: 1 });
    const permit = { maySend: true };
    const connecting = client.call({ ...REQUEST, permit });
    permit.maySend = false;
    expect(await connecting).toEqual({ kind: 'withdrawn' });
    expect(await client.call(REQUEST)).toEqual(OK);
    const kept = client.call(REQUEST);
    const waiting = client.call({ ...REQUEST, permit });
    expect(await Promise.all([kept, waiting])).toEqual([OK, { kind: 'withdrawn' }]);
    permit.maySend = true;
    expect(await client.call({ ...REQUEST, permit })).toEqual(OK);
    expect(served).toHaveLength(3);
  });

  it('is not sent if the name does not resolve', async () => {
    // A label this long is refused without asking a name server.
    const result = await connectTo(`http://${'a'.repeat(64)}.invalid`).call(REQUEST);
    expect(result).toMatchObject({ kind: 'not-sent', reason: 'connect', detail: 'not sent: ENOTFOUND' });
  });

  it('is not sent if the other side speaks no TLS, or ends the handshake', async () => {
    const plain = await serve(() => undefined, { onSocket: (socket) => socket.write('220 smtp\r\n') });
    const closing = await serve(() => undefined, { onSocket: (socket) => socket.once('data', () => socket.end()) });
    for (const { port } of [plain, closing]) {
      const result = await connectTo(`https://localhost:${port}`).call(REQUEST);
      expect(result).toMatchObject({ kind: 'not-sent', reason: 'connect' });
    }
  });

  it('is not sent if the TLS handshake hangs past the deadline, and the connection attempt then ends', async () => {
    stopTheClock();
    const server = await serve(() => undefined);
    const client = connectTo(`https://localhost:${server.port}`, { timeoutMs: 100, maxConnections: 1 });
    for (const count of [1, 2]) {
      const call = client.call(REQUEST);
      await until(() => server.sockets.length === count, 'it connects');
      await pass(100);
      expect(await call).toMatchObject({ kind: 'not-sent', detail: 'no connection by the deadline' });
      await until(() => server.sockets.at(-1)?.readableEnded === true, 'the attempt ends');
    }
  });

  it('is not sent if no connection becomes free by the deadline', async () => {
    stopTheClock();
    const server = await serve(() => undefined);
    const client = connectTo(server.url, { timeoutMs: 150, maxConnections: 1 });
    const first = client.call(REQUEST);
    await until(() => posts(server) === 1, 'the first is on the wire');
    await pass(20);
    const second = client.call(REQUEST);
    await pass(130);
    expect(await first).toMatchObject({ kind: 'perhaps-sent', reason: 'timeout' });
    await until(() => posts(server) === 2, 'the second is on the wire');
    await pass(20);
    expect(await second).toMatchObject({ kind: 'perhaps-sent', reason: 'timeout' });

    const holding = client.call(REQUEST);
    await until(() => posts(server) === 3, 'the third is on the wire');
    const late = client.call(REQUEST);
    await pass(150);
    expect(await holding).toMatchObject({ kind: 'perhaps-sent', reason: 'timeout' });
    expect(await late).toMatchObject({ kind: 'not-sent' });
    expect(posts(server)).toBe(3);
  });

  it('waits for a free connection in the order of the calls', async () => {
    const server = await serve((socket) => setTimeout(() => socket.write(answer('200 OK', ACCEPTED)), 5));
    const client = connectTo(server.url, { maxConnections: 2 });
    const ids = Array.from({ length: 30 }, (_, i) => `c-${i}`);
    const results = await Promise.all(ids.map((idempotencyKey) => client.call({ ...REQUEST, idempotencyKey })));
    expect(results).toEqual(ids.map(() => OK));
    expect(server.sockets).toHaveLength(2);
    expect(Array.from(server.received().matchAll(/idempotency-key: (\S+)/g), ([, id]) => id)).toEqual(ids);
  });

  it('is not sent if its path is invalid', async () => {
    const server = await serve(() => undefined);
    const client = connectTo(server.url);
    expect(await client.call({ ...REQUEST, path: '/a b' })).toMatchObject({ kind: 'not-sent' });
    expect(server.received()).toBe('');
  });
});

describe('a call whose answer is lost', () => {
  it('is perhaps sent if the connection is reset before the request is read', async () => {
    const server = await serve(() => undefined, {
      onSocket: (socket) => {
        socket.pause();
        // The call has left by then: both sides are in this process.
        void settle().then(() => socket.resetAndDestroy());
      },
    });
    expect(await connectTo(server.url).call(REQUEST)).toMatchObject({ kind: 'perhaps-sent', reason: 'reset' });
    expect(server.sockets).toHaveLength(1);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
    ['closed within the status line', (socket) => socket.end('HTTP/1.1 20')],
    ['closed within the headers', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    ['closed after an interim answer', (socket) => socket.end('HTTP/1.1 102 Processing\r\n\r\n')],
    ['used for another protocol', (socket) => socket.end('SSH-2.0-OpenSSH\r\n')],
    ['flooded with headers', (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(1 << 20)}`)],
  ])('is perhaps sent, and only once, if the connection is %s after the request', async (_, fault) => {
    let requests = 0;
    const result = await callOnce((socket, count) => {
      requests = count;
      fault(socket);
    });
    expect(result).toMatchObject({ kind: 'perhaps-sent', reason: 'reset', httpStatus: null });
    await settle();
    expect(requests).toBe(1);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.end()],
  ])('is unreadable if a 2xx is %s within its body; any other status decides alone', async (_, fault) => {
    const partly = (status: string) => (socket: Socket) => {
      socket.write(
        `HTTP/1.1 ${status}\r\ncontent-length: 44\r\n\r\n{"id":"planted`,
        () => void settle().then(() => fault(socket)),
      );
    };
    expect(await callOnce(partly('200 OK'))).toMatchObject({ kind: 'unreadable', httpStatus: 200 });
    expect(await callOnce(partly('400 Bad'))).toMatchObject({ kind: 'rejected', response: { error: 'HTTP 400' } });
    expect(await callOnce(partly('500 Oops'))).toMatchObject({ kind: 'perhaps-sent', reason: 'status' });
  });

  it('times out at its deadline if the answer never comes', async () => {
    stopTheClock();
    for (const timeoutMs of [50, 200, 400]) {
      const server = await serve(() => undefined);
      const call = connectTo(server.url, { timeoutMs }).call(REQUEST);
      const hasEnded = jest.fn();
      void call.then(hasEnded);
      await until(() => posts(server) === 1, 'it is on the wire');
      await pass(timeoutMs - 1);
      expect(hasEnded).not.toHaveBeenCalled();
      await pass(1);
      expect(await call).toMatchObject({ kind: 'perhaps-sent', reason: 'timeout' });
    }
  });

  it('keeps the deadline of each call if calls overlap', async () => {
    stopTheClock();
    const server = await serve(() => undefined);
    const client = connectTo(server.url, { timeoutMs: 150, maxConnections: 16 });
    const endedAtMs: number[] = [];
    let nowMs = 0;
    for (; endedAtMs.length < 16; nowMs += 10) {
      if (nowMs % 20 === 0 && nowMs < 320) void client.call(REQUEST).then(() => endedAtMs.push(nowMs));
      await pass(10);
    }
    // A call that ends while 10 ms pass is seen at their beginning.
    expect(endedAtMs).toEqual(Array.from({ length: 16 }, (_, i) => i * 20 + 140));
  });

  it('reads an answer that arrived while the event loop was stalled past the deadline', async () => {
    stopTheClock();
    const server = await serve(() => undefined);
    const client = connectTo(server.url, { timeoutMs: 100 });
    const call = client.call(REQUEST);
    await until(() => server.received() !== '', 'it is on the wire');
    server.sockets[0]?.write(answer('200 OK', ACCEPTED));
    jest.advanceTimersByTime(150);
    expect(await call).toEqual(OK);
  });

  it.each([
    ['200 OK', { kind: 'unreadable', detail: expect.stringContaining('deadline') }],
    ['502 Bad', { kind: 'perhaps-sent', httpStatus: 502 }],
  ])('ends at its deadline if its body trickles after %s', async (status, expected) => {
    stopTheClock();
    let pieces = 0;
    const server = await serve((socket) => {
      socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 1000\r\n\r\n`);
      const timer = setInterval(() => socket.write('x', () => (pieces += 1)), 5);
      socket.once('close', () => clearInterval(timer));
    });
    const call = connectTo(server.url, { timeoutMs: 150 }).call(REQUEST);
    await until(() => pieces > 3, 'it trickles');
    await settle();
    await pass(150);
    expect(await call).toMatchObject(expected);
  });

  it('stops reading an answer above the size limit', async () => {
    let sentBytes = 0;
    const stream = (status: string) => (socket: Socket) => {
      const block = Buffer.alloc(64 << 10, 'a');
      socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${100 << 20}\r\n\r\n`);
      const pump = (): void => {
        while (!socket.destroyed && sentBytes < 100 << 20) {
          sentBytes += block.length;
          if (!socket.write(block)) {
            socket.once('drain', pump);
            return;
          }
        }
      };
      pump();
    };
    expect(await callOnce(stream('200 OK'))).toEqual({
      kind: 'unreadable',
      httpStatus: 200,
      detail: 'HTTP 200, but its body was too large',
    });
    expect(sentBytes).toBeLessThan(20 << 20);
    expect(await callOnce(stream('404 Not Found'))).toMatchObject({ kind: 'rejected', httpStatus: 404 });
  });

  it('reads an answer of exactly the size limit', async () => {
    const maxResponseBytes = ACCEPTED.length;
    const reply = (socket: Socket): unknown => socket.write(answer('200 OK', ACCEPTED));
    expect(await callOnce(reply, { maxResponseBytes })).toEqual(OK);
    expect(await callOnce(reply, { maxResponseBytes: maxResponseBytes - 1 })).toMatchObject({ kind: 'unreadable' });
  });
});

describe('a connection that the server closes while it is idle', () => {
  it.each<[string, (socket: Socket) => void, string[]]>([
    ['closed', (socket) => socket.end(), ['accepted']],
    // If a reset is read between the call and its first byte, the call fails although nothing has left.
    ['reset', (socket) => socket.resetAndDestroy(), ['accepted', 'not-sent']],
  ])('makes no call perhaps sent if it is %s right after an answer', async (_, fault, possible) => {
    const server = await serve((socket, count) => {
      socket.write(answer('200 OK', ACCEPTED));
      if (count % 3 === 0) setImmediate(fault, socket);
    });
    const client = connectTo(server.url, { maxConnections: 1 });
    const kinds = new Set<string>();
    for (let i = 0; i < 60; i++) {
      kinds.add((await client.call(REQUEST)).kind);
      // From two turns on, the end of the connection has been read.
      for (let turns = 2 + (i % 4); turns > 0; turns--) await nextTurn();
    }
    expect([...kinds].filter((kind) => !possible.includes(kind))).toEqual([]);
  });

  it('is replaced by a new one, even if its end has not been read yet', async () => {
    const server = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    const client = connectTo(server.url, { maxConnections: 1 });
    expect(await client.call(REQUEST)).toEqual(OK);
    // In the timers phase, destroy() closes at once, and nothing is read before the call is made.
    await sleep(1);
    server.sockets[0]?.destroy();
    expect(await client.call(REQUEST)).toEqual(OK);
    expect(server.sockets).toHaveLength(2);
    expect(server.received().match(/POST/g)).toHaveLength(2);
  });
});

describe('a client', () => {
  it('ends calls under way when it closes, refuses further calls, and leaves no socket', async () => {
    const server = await serve((socket, count) => {
      if (count === 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{');
    });
    const client = connectTo(server.url);
    const waiting = client.call(REQUEST);
    await until(() => posts(server) === 1, 'the first is on the wire');
    const answering = client.call(REQUEST);
    await until(() => posts(server) === 2, 'the second is on the wire');
    await settle();
    const connecting = connectTo(`https://localhost:${server.port}`);
    const unsent = connecting.call(REQUEST);
    await until(() => server.sockets.length === 3, 'the third connects');
    await Promise.all([client.close(), connecting.close(), client.close()]);
    expect(await waiting).toMatchObject({ kind: 'perhaps-sent', reason: 'reset', httpStatus: null });
    expect(await answering).toMatchObject({ kind: 'unreadable', httpStatus: 200 });
    expect(await unsent).toMatchObject({ kind: 'not-sent' });
    expect(await client.call(REQUEST)).toMatchObject({ kind: 'not-sent', detail: 'the client is closed' });
    await until(() => server.sockets.every((socket) => socket.destroyed || socket.readableEnded), 'no socket is left');
  });

  it('has no timer or socket that keeps a process alive', async () => {
    const server = await serve((socket) => socket.write(answer('200 OK', ACCEPTED)));
    const client = connectTo(server.url);
    await client.call(REQUEST);
    await client.close();
    await until(() => server.sockets.every((socket) => socket.destroyed), 'no socket is left');
    expect(process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')).toEqual([]);
  });
});
