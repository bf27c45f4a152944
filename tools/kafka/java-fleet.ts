import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokerProperties, CLUSTER_ID, jvmOptions } from './broker-properties.ts';
import type { NodeEndpoints } from './broker-properties.ts';
import type { Fleet, LaunchPlan } from './dev-kafka.ts';
import { freePorts } from './free-ports.ts';
import { JavaBroker } from './java-broker.ts';
import { ensureJars } from './kafka-jars.ts';

const run = promisify(execFile);

const DATA_FOLDER_PREFIX = 'messages-dispatcher-kafka-';

/**
 * Starts brokers as processes of this machine, on loopback only. They end with this process, even where it is killed.
 * @param java the command of a Java that is new enough
 */
export async function launchJava(plan: LaunchPlan, java: string): Promise<Fleet> {
  const jars = await ensureJars(plan);
  const nodes = await endpoints(plan.brokerCount);
  const folder = await mkdtemp(join(plan.temporaryFolder, DATA_FOLDER_PREFIX));
  const classpath = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(jars, '*')];

  const prepare = async (node: NodeEndpoints, index: number): Promise<JavaBroker> => {
    const name = `broker-${index + 1}`;
    const config = join(folder, `${name}.properties`);
    const data = join(folder, name);
    await mkdir(data);
    const properties = { ...brokerProperties(nodes, index, plan.properties), 'log.dirs': data };
    await writeFile(
      config,
      Object.entries(properties)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config];
    await run(java, [...jvmOptions(true), ...classpath, ...format], { signal: plan.signal });
    const command = [java, ...jvmOptions(plan.fastStart), ...classpath, 'kafka.Kafka', config];
    return new JavaBroker({ name, address: node.advertised, command, folder, log: plan.log });
  };

  const preparing = nodes.map(prepare);
  try {
    const brokers = await Promise.all(preparing);
    await Promise.all(brokers.map((broker) => broker.start()));
    return {
      brokers,
      remove: async () => {
        // The data go anyway; and brokers asked to shut down at once would wait for a quorum that is gone.
        await Promise.all(brokers.map((broker) => broker.kill('SIGKILL')));
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    // Whoever still writes there would bring the folder back.
    await Promise.allSettled(preparing);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function endpoints(count: number): Promise<NodeEndpoints[]> {
  const addresses = (await freePorts(count * 3)).map((port) => `127.0.0.1:${port}`);
  return Array.from({ length: count }, (_, index) => {
    const [client = '', internal = '', controller = ''] = addresses.slice(index * 3);
    return {
      listen: client,
      advertised: client,
      internalListen: internal,
      internalAdvertised: internal,
      controllerListen: controller,
      controllerAdvertised: controller,
    };
  });
}
