import dns from 'node:dns';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { StaggeredConnect } from '../../src/messages-api/staggered-connect';

/** Loopback addresses of which nobody listens on the port but where a test says so. */
const addresses = (...list: string[]) => list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

const opened: Server[] = [];
const sockets: Socket[] = [];

async function listen(host: string, port = 0): Promise<number> {
  const server = createServer((socket) => sockets.push(socket));
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

function resolveTo(list: ReturnType<typeof addresses>): void {
  jest
    .spyOn(dns, 'lookup')
    .mockImplementation(((_host: string, _options: object, done: (...answer: unknown[]) => void) =>
      process.nextTick(done, null, list)) as never);
}

interface Outcome {
  readonly error: Error | null;
  readonly socket: Socket | null;
}

function connect(port: number): { readonly attempt: StaggeredConnect; readonly outcome: Promise<Outcome> } {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const attempt = new StaggeredConnect({ host: 'api.example.test', port }, (error, socket) => {
    if (socket !== null) sockets.push(socket);
    resolve({ error, socket });
  });
  return { attempt, outcome: promise };
}

afterEach(async () => {
  jest.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(opened.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe('a connection to a name with several addresses', () => {
  it('goes to the next one where the first refuses', async () => {
    const port = await listen('127.0.0.2');
    resolveTo(addresses('127.0.0.1', '127.0.0.2'));
    const { socket } = await connect(port).outcome;
    expect(socket?.remoteAddress).toBe('127.0.0.2');
  });

  it('fails with the error of the last one where all refuse', async () => {
    const port = await listen('127.0.0.9');
    resolveTo(addresses('127.0.0.1', '127.0.0.2', '::1'));
    const { error, socket } = await connect(port).outcome;
    expect(socket).toBeNull();
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('fails where the name has no address', async () => {
    jest
      .spyOn(dns, 'lookup')
      .mockImplementation(((_host: string, _options: object, done: (error: Error) => void) =>
        process.nextTick(done, new Error('ENOTFOUND'))) as never);
    expect((await connect(1).outcome).error?.message).toBe('ENOTFOUND');
  });

  it('is given up by its owner, who hears of it once', async () => {
    resolveTo(addresses('127.0.0.1'));
    const { attempt, outcome } = connect(await listen('127.0.0.1'));
    attempt.destroy(new Error('the deadline passed'));
    attempt.destroy(new Error('again'));
    expect((await outcome).error?.message).toBe('the deadline passed');
  });
});
