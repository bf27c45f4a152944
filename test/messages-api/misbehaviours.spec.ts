import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { MessagesApiClient } from '../../src/messages-api/client';
import { DEADLINE_MS, until } from '../deadline';
import { MISBEHAVIOURS } from './misbehaviours';
import { ACCEPTED, answer, startRawServer } from './raw-server';
import type { RawServer } from './raw-server';

/** Timeout of calls that only their deadline ends. */
const SHORT_TIMEOUT_MS = 200;
const REQUEST = {
  apiKey: 'planted-key',
  permit: { maySend: true },
  path: '/v1/messages/whatsapp/sendtext',
  body: '{"textMessage":"planted-text"}',
  idempotencyKey: 'c',
};
const OK = { kind: 'accepted', httpStatus: 200, response: { id: 'msg_81', status: 'queued', error: '' } };

const OPTIONS = { maxConnections: 1, maxResponseBytes: 1 << 20 };

type Answer = (socket: Socket, count: number) => void;

const servers: RawServer[] = [];
const clients: MessagesApiClient[] = [];
let server: RawServer;
let client: MessagesApiClient;

/** `first` answers the first request. `later` answers all others, by default correctly. */
async function connect(
  first: Answer,
  later: Answer = (socket) => void socket.write(answer('200 OK', ACCEPTED)),
  timeoutMs = DEADLINE_MS,
): Promise<void> {
  server = await startRawServer((socket, count) => (count === 1 ? first : later)(socket, count));
  servers.push(server);
  client = new MessagesApiClient({ ...OPTIONS, timeoutMs, baseUrl: server.url });
  clients.push(client);
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
  await Promise.all(servers.splice(0).map((each) => each.close()));
});

describe('an API that misbehaves', () => {
  it.each(MISBEHAVIOURS)('$name: the call is $kind, made once, and the next call succeeds', async (row) => {
    await connect(row.answer, undefined, row.isEndless ? SHORT_TIMEOUT_MS : DEADLINE_MS);
    const result = await client.call(REQUEST);
    expect(result).toMatchObject({ kind: row.kind, httpStatus: row.httpStatus });
    expect(JSON.stringify(result)).not.toContain('planted');
    expect(server.received().match(/POST \//g)).toHaveLength(1);
    // A slow machine may miss a short deadline at first.
    await until(async () => isDeepStrictEqual(await client.call(REQUEST), OK), 'the next call succeeds');
  });

  it('that sends 100 MB is cut off once it has sent more than the service reads', async () => {
    for (const row of MISBEHAVIOURS.filter(({ name }) => name.includes('100 MB'))) {
      let writtenBytes = 0;
      await connect((socket) => {
        row.answer(socket);
        socket.once('close', () => (writtenBytes = socket.bytesWritten));
      });
      await client.call(REQUEST);
      await until(() => writtenBytes > 0, 'the connection is cut');
      // The buffers of both ends took more bytes than were read.
      expect(writtenBytes).toBeGreaterThan(1 << 20);
      expect(writtenBytes).toBeLessThan(20 << 20);
    }
  });

  it.each([0, 1, 2, 5])(
    'that sends a stray answer %d ms after the right one does not settle the next command with it',
    async (apartMs) => {
      await connect(
        (socket) => void socket.write(answer('200 OK', ACCEPTED)),
        (socket, count) => {
          socket.write(answer('200 OK', `{"id":"right-${count}"}`));
          setTimeout(() => socket.write(answer('200 OK', `{"id":"stray-${count}"}`)), apartMs);
        },
      );
      await client.call(REQUEST);
      for (let i = 2; i <= 10; i++) {
        expect(await client.call(REQUEST)).toMatchObject({ kind: 'accepted', response: { id: `right-${i}` } });
        // A stray answer after the next request would be the answer to that request, as far as HTTP/1.1 can tell.
        const used = server.sockets.at(-1);
        await until(() => used?.destroyed === true || used?.readableEnded === true, 'its connection is given up');
      }
      expect(server.sockets).toHaveLength(9);
    },
  );
});
