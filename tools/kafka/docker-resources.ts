import { getContainerRuntimeClient } from 'testcontainers';

/** The names of all that one development Kafka owns in the engine. They are chosen before anything is created. */
export interface DockerResources {
  readonly network: string;
  readonly containers: readonly string[];
}

/**
 * Removes the containers with their data, running or not, then the network. Anything that does not exist counts as
 * removed.
 */
export async function removeResources({ network, containers }: DockerResources): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  await Promise.all(
    containers.map((name) => unlessMissing(dockerode.getContainer(name).remove({ force: true, v: true }))),
  );
  await unlessMissing(dockerode.getNetwork(network).remove());
}

async function unlessMissing(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
    if (status !== 404) throw error;
  }
}
