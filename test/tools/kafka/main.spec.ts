import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { chooseSource } from '../../../tools/kafka/choose-source';
import { projectRoot } from '../../../tools/kafka/project-root';
import { remaining, tracesOf } from './traces';
import type { Traces } from './traces';
import { withEnvironment } from './with-environment';

describe('the tool as a library', () => {
  it.each(['start-kafka.ts', 'topics.ts', 'docker-fleet.ts'])(
    '%s can be imported by Node without a build',
    async (file) => {
      const path = join(projectRoot(), 'tools', 'kafka', file);
      const child = spawn(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(path)})`]);
      const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
      expect({ code, errors }).toMatchObject({ code: 0 });
    },
  );
});

describe('node tools/kafka/main.ts', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dev-kafka-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function run(environment: Record<string, string>, ...args: string[]) {
    const { KAFKA_BROKERS: _, ...inherited } = process.env;
    const script = join(projectRoot(), 'tools', 'kafka', 'main.ts');
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
      env: { ...inherited, TMPDIR: folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  async function exitOf(child: ChildProcess): Promise<unknown> {
    const [code, signal]: unknown[] = await once(child, 'exit');
    return signal ?? code;
  }

  async function startedCommand(): Promise<{ child: ChildProcess; traces: Traces }> {
    const child = run({});
    const [line]: unknown[] = await once(createInterface(child.stdout), 'line');
    const address = /^KAFKA_BROKERS=(127\.0\.0\.1:\d+)$/.exec(String(line))?.[1];
    if (address === undefined) throw new Error(`unexpected first line: ${String(line)}`);
    const { kind } = await withEnvironment({ KAFKA_BROKERS: undefined }, () => chooseSource(projectRoot()));
    const traces = await tracesOf(kind, [address], folder);
    expect(await traces()).not.toEqual([]);
    return { child, traces };
  }

  it('runs a Kafka until SIGTERM, exits 0 and leaves nothing', async () => {
    const { child, traces } = await startedCommand();
    const exit = exitOf(child);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(await remaining(traces)).toEqual([]);
  });

  it('ends its Kafka even if it is killed', async () => {
    const { child, traces } = await startedCommand();
    const exit = exitOf(child);
    child.kill('SIGKILL');
    expect(await exit).toBe('SIGKILL');
    expect(await remaining(traces)).toEqual([]);
  });

  it('says what to install if the machine has nothing, and exits 1', async () => {
    const child = run({ PATH: '', JAVA_HOME: '', DOCKER_HOST: 'unix:///nowhere', DEV_KAFKA: '' });
    const [exit, errors] = await Promise.all([exitOf(child), text(child.stderr)]);
    expect(errors).toMatch(
      /^No Kafka to develop with \(.*\)\. Install Docker, or Java 17 with Maven, or set KAFKA_BROKERS=.*\n$/,
    );
    expect(exit).toBe(1);
  });

  it('exits 2 if it cannot run so many brokers', async () => {
    const child = run({}, '--brokers', '2');
    const [exit, errors] = await Promise.all([exitOf(child), text(child.stderr)]);
    expect(errors).toMatch(/^usage: /);
    expect(exit).toBe(2);
  });
});
