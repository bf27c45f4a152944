import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { KafkaKind } from '../../../tools/kafka/dev-kafka';
import { until } from '../../deadline';

const run = promisify(execFile);

/** The processes, data folders or containers of a Kafka that exist at this moment. */
export type Traces = () => Promise<string[]>;

/** For brokers with data in `folder` (Java), or brokers that listen on `brokers` right now (Docker). */
export async function tracesOf(kind: KafkaKind, brokers: readonly string[], folder: string): Promise<Traces> {
  switch (kind) {
    case 'docker':
      return containersOf(brokers);
    case 'java':
      return async () => [...(await processesNaming(folder)), ...(await readdir(folder))];
    case 'existing':
      throw new Error('an existing Kafka leaves no traces of ours');
  }
}

async function processesNaming(text: string): Promise<string[]> {
  const { stdout } = await run('ps', ['-ww', '-eo', 'pid=,stat=,args=']);
  return stdout.split('\n').filter((line) => line.includes(text));
}

async function containersOf(brokers: readonly string[]): Promise<Traces> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const ports = new Set(brokers.map((address) => Number(address.split(':')[1])));
  const running = await dockerode.listContainers();
  const ids = new Set(
    running.filter(({ Ports }) => Ports.some((port) => ports.has(port.PublicPort))).map(({ Id }) => Id),
  );
  return async () => {
    const all = await dockerode.listContainers({ all: true });
    return all.filter(({ Id }) => ids.has(Id)).flatMap(({ Names }) => Names);
  };
}

/** Waits until there are no traces. Returns those that are left when the time is over. */
export async function remaining(traces: Traces): Promise<string[]> {
  let left: string[] = [];
  const isClear = async (): Promise<boolean> => (left = await traces()).length === 0;
  await until(isClear, 'no traces are left').catch(() => undefined);
  return left;
}
