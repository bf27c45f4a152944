import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { CallResult, Withdrawn } from '../../src/messages-api/call-result';
import { Connection } from '../../src/messages-api/connection';
import { Connector } from '../../src/messages-api/connector';
import { PendingCall } from '../../src/messages-api/pending-call';
import { CERTIFICATE, trustingTestCertificate } from './certificate';
import { ACCEPTED, answer, startRawServer } from './raw-server';

const REQUEST = { method: 'POST', path: '/v1/messages/whatsapp/sendtext', body: '{}', headers: [] } as const;

/** A call without a client. The test calls `stop` instead of a deadline. */
function newCall() {
  const released = Promise.withResolvers<void>();
  const { promise: result, resolve } = Promise.withResolvers<CallResult | Withdrawn>();
  const owner = {
    maxResponseBytes: 1 << 20,
    settled: (pending: PendingCall, end: CallResult | Withdrawn) => pending.resolve(end),
    released: () => released.resolve(),
  };
  const call = new PendingCall(REQUEST, { maySend: true }, Infinity, resolve, owner);
  return { call, result, released: released.promise };
}

function connectionTo(origin: string): Connection {
  return new Connection(origin, new Connector(), 1 << 20);
}

describe('a call that is stopped', () => {
  it('never leaves if it is stopped in the tick of its start, on a new or on a kept connection', async () => {
    const server = await startRawServer((socket) => socket.write(answer('200 OK', ACCEPTED)));
    const connection = connectionTo(server.url);
    for (let i = 1; i <= 5; i++) {
      const stopped = newCall();
      stopped.call.start(connection);
      stopped.call.stop('timeout');
      expect(await stopped.result).toMatchObject({ kind: 'not-sent' });
      await stopped.released;
      const next = newCall();
      next.call.start(connection);
      expect(await next.result).toMatchObject({ kind: 'accepted' });
      await next.released;
      expect(server.received().match(/POST/g)).toHaveLength(i);
    }
    await connection.destroy(new Error('the test is over'));
    await server.close();
  });

  it('leaves no connection attempt behind if the socket before it is still closing', async () => {
    const tls = createTlsServer(CERTIFICATE);
    const shakeHands = tls.listeners('connection');
    tls.removeAllListeners('connection');
    const accepted: Socket[] = [];
    tls.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      if (accepted.push(socket) === 1) for (const listener of shakeHands) listener.call(tls, socket);
    });
    const onWire = Promise.withResolvers<void>();
    const server = await startRawServer(() => onWire.resolve(), { server: tls });
    await trustingTestCertificate(async () => {
      const connection = connectionTo(`https://localhost:${server.port}`);
      const first = newCall();
      first.call.start(connection);
      await onWire.promise;
      first.call.stop('timeout');
      await first.released;
      // The socket closes at the next I/O event. Only then does undici connect for the next call, and that handshake
      // would hang.
      const second = newCall();
      second.call.start(connection);
      second.call.stop('timeout');
      expect(await second.result).toMatchObject({ kind: 'not-sent' });
      await second.released;
      expect(accepted).toHaveLength(1);
      await connection.destroy(new Error('the test is over'));
    });
    for (const socket of accepted) socket.destroy();
    await server.close();
  });
});
