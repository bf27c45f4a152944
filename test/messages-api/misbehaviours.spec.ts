import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessagesApiClient } from '../../src/messages-api/client';
import { MISBEHAVIOURS } from './misbehaviours';
import { ACCEPTED, answer, startRawServer } from './raw-server';
import type { RawServer } from './raw-server';

const TIMEOUT_MS = 300;
const REQUEST = {
  apiKey: 'planted-key',
  permit: { maySend: true },
  path: '/v1/messages/whatsapp/sendtext',
  body: '{"textMessage":"planted-text"}',
  idempotencyKey: 'c',
};
const OK = { kind: 'accepted', httpStatus: 200, response: { id: 'msg_81', status: 'queued', error: '' } };

const OPTIONS = { timeoutMs: TIMEOUT_MS, maxConnections: 1, maxResponseBytes: 1 << 20 };

type Answer = (socket: Socket, count: number) => void;

const servers: RawServer[] = [];
const clients: MessagesApiClient[] = [];
let server: RawServer;
let client: MessagesApiClient;

/** The first request is answered by `first`, every later one as it should be, or by `later`. */
async function connect(
  first: Answer,
  later: Answer = (socket) => void socket.write(answer('200 OK', ACCEPTED)),
): Promise<void> {
  server = await startRawServer((socket, count) => (count === 1 ? first : later)(socket, count));
  servers.push(server);
  client = new MessagesApiClient({ ...OPTIONS, baseUrl: server.url });
  clients.push(client);
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
  await Promise.all(servers.splice(0).map((each) => each.close()));
});

describe('an API that misbehaves', () => {
  it.each(MISBEHAVIOURS)(
    '$name: the call is $kind, made once, in time, and the next one is itself again',
    async (row) => {
      await connect(row.answer);
      const startMs = performance.now();
      const result = await client.call(REQUEST);
      expect(performance.now() - startMs).toBeLessThan(TIMEOUT_MS + 100);
      expect(result).toMatchObject({ kind: row.kind, httpStatus: row.httpStatus });
      expect(JSON.stringify(result)).not.toContain('planted');
      expect(await client.call(REQUEST)).toEqual(OK);
      expect(server.received().match(/POST \//g)).toHaveLength(2);
    },
  );

  it('that sends 100 MB is cut off once it has sent more than is read', async () => {
    for (const row of MISBEHAVIOURS.filter(({ name }) => name.includes('100 MB'))) {
      let writtenBytes = 0;
      await connect((socket) => {
        row.answer(socket);
        socket.once('close', () => (writtenBytes = socket.bytesWritten));
      });
      await client.call(REQUEST);
      for (let waitedMs = 0; writtenBytes === 0 && waitedMs < 2_000; waitedMs += 5) await sleep(5);
      // What was on its way when the connection was cut is in the buffers of both ends.
      expect(writtenBytes).toBeGreaterThan(1 << 20);
      expect(writtenBytes).toBeLessThan(20 << 20);
    }
  });

  it.each([0, 1, 2, 5])(
    'that sends a stray answer %d ms behind the right one does not settle the next command with it',
    async (apartMs) => {
      await connect(
        (socket) => void socket.write(answer('200 OK', ACCEPTED)),
        (socket, count) => {
          socket.write(answer('200 OK', `{"id":"right-${count}"}`));
          setTimeout(() => socket.write(answer('200 OK', `{"id":"stray-${count}"}`)), apartMs);
        },
      );
      await client.call(REQUEST);
      for (let i = 2; i <= 20; i++) {
        expect(await client.call(REQUEST)).toMatchObject({ kind: 'accepted', response: { id: `right-${i}` } });
        // One that comes once the next request has left is that one's answer, as far as HTTP/1.1 can tell.
        await sleep(apartMs + 5);
      }
      expect(server.sockets).toHaveLength(19);
    },
  );
});
