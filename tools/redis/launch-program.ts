import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../kafka/free-ports.ts';
import { JavaBroker } from '../kafka/java-broker.ts';
import { dataOptions } from './launch.ts';
import type { Launched, RedisPlan } from './launch.ts';

/** The guard reads only stderr, but Redis says on stdout why it ends. */
const ON_STDERR = 'exec "$@" >&2';

/** Starts `program`, a redis-server, on loopback only. It ends with this process, even if this process is killed. */
export async function launchProgram(program: string, { persistent, args, log }: RedisPlan): Promise<Launched> {
  const [port] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), 'messages-dispatcher-redis-'));
  const place = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const server = new JavaBroker({
    name: 'redis-server',
    address: `127.0.0.1:${port}`,
    command: ['sh', '-c', ON_STDERR, 'sh', program, ...place, ...dataOptions(persistent), ...args],
    folder,
    log,
  });
  await server.start();
  return {
    server,
    remove: async () => {
      await server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
