import { spawn } from 'node:child_process';
import dns from 'node:dns';
import net, { type Socket } from 'node:net';
import { StaggeredConnect } from '../../src/messages-api/staggered-connect';
import { until } from '../deadline';

/** Listens with room for one connection beside the one being accepted, and says on which port. */
const LISTEN = `
  const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume());
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => console.log(server.address().port));`;

describe('a host whose first address is slow to accept', () => {
  it('is connected to, though its second address refuses at once', async () => {
    const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'inherit'] });
    const sockets: Socket[] = [];
    try {
      const port = await new Promise<number>((resolve) => child.stdout.once('data', (line) => resolve(Number(line))));
      child.kill('SIGSTOP');
      // What the stopped process has room for; further handshakes are dropped, and begun anew by the kernel.
      await until(() => {
        if (sockets.some((socket) => socket.connecting)) return true;
        sockets.push(net.connect({ host: '127.0.0.1', port }).on('error', () => undefined));
        return false;
      }, 'the queue is full');
      const addresses = [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ];
      jest
        .spyOn(dns, 'lookup')
        .mockImplementation(((_host: string, _options: object, done: (...answer: unknown[]) => void) =>
          process.nextTick(done, null, addresses)) as never);
      const attempts = jest.spyOn(net, 'connect');
      const { promise, resolve } = Promise.withResolvers<{ error: Error | null; socket: Socket | null }>();
      new StaggeredConnect({ host: 'api.example.test', port }, (error, socket) => resolve({ error, socket }));
      const hasRefused = (): boolean => attempts.mock.results[1]?.value.destroyed === true;
      await until(hasRefused, 'the second address has refused');
      child.kill('SIGCONT');
      const { error, socket } = await promise;
      if (socket !== null) sockets.push(socket);
      expect([error, socket?.remoteAddress]).toEqual([null, '127.0.0.1']);
    } finally {
      jest.restoreAllMocks();
      for (const socket of sockets) socket.destroy();
      child.kill('SIGKILL');
    }
  });
});
