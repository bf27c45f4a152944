import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { once } from 'node:events';
import { Server as TlsServer } from 'node:tls';

export const ACCEPTED = '{"id":"msg_81","status":"queued","error":""}';

/** A whole HTTP/1.1 answer with Content-Length. */
export function answer(status: string, body = '', headers = ''): string {
  return `HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A TCP server that only sends what a test tells it to, and remembers what it has read. */
export interface RawServer {
  readonly port: number;
  readonly url: string;
  readonly sockets: Socket[];
  /** Everything that was read so far, from all sockets. */
  received(): string;
  close(): Promise<void>;
}

/** @param onRequest called for each complete request, with its number on this server, from 1, and its text */
export async function startRawServer(
  onRequest: (socket: Socket, count: number, request: string) => void,
  { onSocket = () => undefined, server = createServer({ noDelay: true }) }: RawServerOptions = {},
): Promise<RawServer> {
  const sockets: Socket[] = [];
  let received = '';
  let requests = 0;
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', accept);
  function accept(socket: Socket): void {
    sockets.push(socket);
    socket.on('error', () => undefined);
    let unread = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      unread += chunk.toString('latin1');
      for (let end = requestEnd(unread); end !== null; end = requestEnd(unread)) {
        const request = unread.slice(0, end);
        unread = unread.slice(end);
        onRequest(socket, ++requests, request);
      }
    });
    onSocket(socket);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    sockets,
    received: () => received,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface RawServerOptions {
  readonly onSocket?: (socket: Socket) => void;
  readonly server?: Server;
}

function requestEnd(text: string): number | null {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return null;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  const end = head + 4 + length;
  return text.length >= end ? end : null;
}
