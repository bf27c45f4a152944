import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokerProperties, CLUSTER_ID, jvmOptions } from './broker-properties.ts';
import type { NodeEndpoints } from './broker-properties.ts';
import type { Fleet, LaunchPlan, Security } from './dev-kafka.ts';
import { freePorts } from './free-ports.ts';
import { JavaBroker } from './java-broker.ts';
import { ensureJars } from './kafka-jars.ts';

const run = promisify(execFile);

const DATA_FOLDER_PREFIX = 'messages-dispatcher-kafka-';

/**
 * Starts brokers as processes of this machine, on loopback only. They end with this process, even if it is killed.
 * @param java the command of a Java that is new enough
 */
export async function launchJava(plan: LaunchPlan, java: string): Promise<Fleet> {
  const jars = await ensureJars(plan);
  const nodes = await endpoints(plan);
  const folder = await mkdtemp(join(plan.temporaryFolder, DATA_FOLDER_PREFIX));
  const classpath = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(jars, '*')];

  const prepare = async (node: NodeEndpoints, index: number): Promise<JavaBroker> => {
    const name = `broker-${index + 1}`;
    const config = join(folder, `${name}.properties`);
    const data = join(folder, name);
    await mkdir(data);
    const properties = { ...brokerProperties(nodes, index, plan.properties), 'log.dirs': data };
    await writeFile(config, toPropertiesFile(properties));
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config, ...addUsers(plan.security)];
    await run(java, [...jvmOptions(true), ...classpath, ...format], { signal: plan.signal });
    const command = [java, ...jvmOptions(plan.fastStart), ...classpath, 'kafka.Kafka', config];
    const listeners = Object.fromEntries(node.extra.map((extra) => [extra.name, extra.listen]));
    return new JavaBroker({ name, address: node.advertised, listeners, command, folder, log: plan.log });
  };

  const preparing = nodes.map(prepare);
  try {
    const brokers = await Promise.all(preparing);
    await Promise.all(brokers.map((broker) => broker.start()));
    return {
      brokers,
      remove: async () => {
        // The data are removed anyway, and brokers that shut down in order at once would wait for a quorum that is
        // gone.
        await Promise.all(brokers.map((broker) => broker.kill('SIGKILL')));
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    // A process that still writes into the folder would create it again.
    await Promise.allSettled(preparing);
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Lines of `key=value`. A value is taken as it is, even with a PEM's line ends in it. */
export function toPropertiesFile(properties: Readonly<Record<string, string>>): string {
  const lines = Object.entries(properties).map(
    ([key, value]) => `${key}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`,
  );
  return lines.join('');
}

/** SCRAM users must exist before the first of them logs in: nobody else could create them. */
function addUsers({ scramUsers }: Security): string[] {
  return Object.entries(scramUsers).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
}

async function endpoints({ brokerCount, security }: LaunchPlan): Promise<NodeEndpoints[]> {
  const listeners = Object.entries(security.listeners);
  const perNode = 3 + listeners.length;
  const addresses = (await freePorts(brokerCount * perNode)).map((port) => `127.0.0.1:${port}`);
  return Array.from({ length: brokerCount }, (_, index) => {
    const [client = '', internal = '', controller = '', ...others] = addresses.slice(index * perNode);
    return {
      listen: client,
      advertised: client,
      internalListen: internal,
      internalAdvertised: internal,
      controllerListen: controller,
      controllerAdvertised: controller,
      extra: listeners.map(([name, protocol], at) => ({ name, protocol, listen: others[at] ?? '' })),
    };
  });
}
