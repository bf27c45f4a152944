import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient, Network, Wait } from 'testcontainers';
import { brokerProperties, CLUSTER_ID, jvmOptions } from './broker-properties.ts';
import type { NodeEndpoints } from './broker-properties.ts';
import type { Fleet, LaunchPlan } from './dev-kafka.ts';
import { DockerBroker } from './docker-broker.ts';
import { removeResources } from './docker-resources.ts';
import type { DockerResources } from './docker-resources.ts';
import { freePorts } from './free-ports.ts';
import { KAFKA_VERSION } from './kafka-jars.ts';

const IMAGE = `apache/kafka:${KAFKA_VERSION}`;
const CLIENT_PORT = 9092;
const STARTUP_TIMEOUT_MS = 120_000;

/**
 * Starts brokers as containers on a network of their own. A guard process removes them and the network if this process
 * dies; so does testcontainers' Ryuk, if it is enabled. An abort takes effect after the containers have started, or
 * failed to start.
 */
export async function launchDocker(plan: LaunchPlan): Promise<Fleet> {
  const resources = chooseNames(plan.brokerCount);
  const runtime = await getContainerRuntimeClient();
  const host = runtime.info.containerRuntime.host.replace(/^localhost$/, '127.0.0.1');
  // Chosen here, not by the engine: the address is part of the configuration, and a restart must not change it.
  const ports = await freePorts(plan.brokerCount);
  const nodes = resources.containers.map((name, index) => endpoints(name, `${host}:${ports[index]}`));
  const dismissGuard = startGuard(plan.root, resources);
  const remove = async (): Promise<void> => {
    await removeResources(resources);
    dismissGuard();
  };

  const starting: Promise<DockerBroker>[] = [];
  try {
    const network = await new Network({ nextUuid: () => resources.network }).start();
    const start = async (name: string, index: number): Promise<DockerBroker> => {
      const container = await new GenericContainer(IMAGE)
        .withName(name)
        .withNetwork(network)
        .withExposedPorts({ container: CLIENT_PORT, host: Number(ports[index]) })
        .withEnvironment(environment(brokerProperties(nodes, index, plan.properties), plan.fastStart))
        .withWaitStrategy(Wait.forLogMessage('Kafka Server started'))
        .withStartupTimeout(STARTUP_TIMEOUT_MS)
        .start();
      return new DockerBroker(`${host}:${ports[index]}`, runtime.container.getById(container.getId()));
    };
    starting.push(...resources.containers.map(start));
    const brokers = await Promise.all(starting);
    return { brokers, remove };
  } catch (error) {
    // A container that is created after the removal would stay for ever.
    await Promise.allSettled(starting);
    await remove();
    throw error;
  }
}

function chooseNames(count: number): DockerResources {
  const network = `messages-dispatcher-kafka-${randomBytes(4).toString('hex')}`;
  return { network, containers: Array.from({ length: count }, (_, index) => `${network}-${index + 1}`) };
}

function endpoints(name: string, advertised: string): NodeEndpoints {
  return {
    listen: `:${CLIENT_PORT}`,
    advertised,
    internalListen: ':9094',
    internalAdvertised: `${name}:9094`,
    controllerListen: ':9093',
    controllerAdvertised: `${name}:9093`,
    extra: [],
  };
}

/** The image turns `KAFKA_A_B__C___D` into `a.b_c-d`. */
function environment(properties: Record<string, string>, fastStart: boolean): Record<string, string> {
  const variables = Object.entries(properties).map(([key, value]): [string, string] => [
    `KAFKA_${key.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`,
    value,
  ]);
  const [heap = '', ...performance] = jvmOptions(fastStart);
  return {
    ...Object.fromEntries(variables),
    CLUSTER_ID,
    KAFKA_HEAP_OPTS: heap,
    KAFKA_JVM_PERFORMANCE_OPTS: performance.join(' '),
  };
}

function startGuard(root: string, { network, containers }: DockerResources): () => void {
  const script = join(root, 'tools', 'kafka', 'docker-guard.ts');
  const guard = spawn(process.execPath, [script, network, ...containers], {
    cwd: root,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.stdin.on('error', () => {});
  return () => guard.stdin.end('dismissed');
}
