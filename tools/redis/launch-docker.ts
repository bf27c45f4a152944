import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { DockerBroker } from '../kafka/docker-broker.ts';
import { removeResources } from '../kafka/docker-resources.ts';
import { freePorts } from '../kafka/free-ports.ts';
import { dataOptions } from './launch.ts';
import type { Launched, RedisPlan } from './launch.ts';

const IMAGE = 'redis:7-bookworm';
const CLIENT_PORT = 6379;
const STARTUP_TIMEOUT_MS = 120_000;

/**
 * Starts a Redis as a container. A guard process removes it if this process dies; so does testcontainers' Ryuk, if it
 * is enabled. An abort takes effect after the container has started, or failed to start.
 */
export async function launchDocker({ root, persistent, args }: RedisPlan): Promise<Launched> {
  const name = `messages-dispatcher-redis-${randomBytes(4).toString('hex')}`;
  const runtime = await getContainerRuntimeClient();
  const host = runtime.info.containerRuntime.host.replace(/^localhost$/, '127.0.0.1');
  // Chosen here, not by the engine: a restart must not change the port.
  const [port] = await freePorts(1);
  const dismissGuard = startGuard(root, name);
  const remove = async (): Promise<void> => {
    await removeResources({ network: name, containers: [name] });
    dismissGuard();
  };
  try {
    const container = await new GenericContainer(IMAGE)
      .withName(name)
      .withExposedPorts({ container: CLIENT_PORT, host: Number(port) })
      .withCommand(['redis-server', ...dataOptions(persistent), ...args])
      .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
      .withStartupTimeout(STARTUP_TIMEOUT_MS)
      .start();
    const server = new DockerBroker(`${host}:${port}`, runtime.container.getById(container.getId()));
    return { server, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The guard also removes a network. There is none here, and it treats a network that does not exist as removed. */
function startGuard(root: string, name: string): () => void {
  const script = join(root, 'tools', 'kafka', 'docker-guard.ts');
  const guard = spawn(process.execPath, [script, name, name], {
    cwd: root,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => {});
  return () => guard.stdin.end('dismissed');
}
