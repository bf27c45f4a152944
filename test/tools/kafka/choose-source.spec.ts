import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseSource } from '../../../tools/kafka/choose-source';
import { jarsFolder } from '../../../tools/kafka/kafka-jars';
import { fakeCommand } from './fake-command';
import { withEnvironment } from './with-environment';

const JAVA_17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`;

describe('chooseSource', () => {
  let folder: string;
  let engine: Server;
  let engineStatus: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'source-'));
    engineStatus = 200;
    engine = createServer((_, response) => response.writeHead(engineStatus).end());
    const { path } = engineSocket();
    await new Promise<void>((resolve) => engine.listen(path, resolve));
  });

  afterEach(async () => {
    await new Promise((resolve) => engine.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  function engineSocket(): { path: string; url: string } {
    const path = join(folder, 'docker.sock');
    return { path, url: `unix://${path}` };
  }

  /** A machine that has only `variables`, and the fake commands in `folder`. */
  function choose(variables: Record<string, string> = {}): ReturnType<typeof chooseSource> {
    const bare = { PATH: folder, JAVA_HOME: undefined, DOCKER_HOST: 'unix:///nowhere', KAFKA_BROKERS: undefined };
    return withEnvironment({ ...bare, DEV_KAFKA: undefined, ...variables }, () => chooseSource(folder));
  }

  it('prefers the brokers of KAFKA_BROKERS to everything else', async () => {
    const source = await choose({ KAFKA_BROKERS: 'a:9092, b:9092,', DOCKER_HOST: engineSocket().url });
    expect(source).toEqual({ kind: 'existing', brokers: ['a:9092', 'b:9092'] });
  });

  it('chooses Docker if an engine answers, with or without Java', async () => {
    await fakeCommand(folder, 'java', JAVA_17);
    await fakeCommand(folder, 'mvn', 'exit 0');
    expect(await choose({ DOCKER_HOST: engineSocket().url })).toEqual({ kind: 'docker' });
  });

  it('chooses Java with Maven if no engine answers well', async () => {
    await fakeCommand(folder, 'java', JAVA_17);
    await fakeCommand(folder, 'mvn', 'exit 0');
    engineStatus = 500;
    expect(await choose({ DOCKER_HOST: engineSocket().url })).toEqual({ kind: 'java', java: 'java' });
    expect(await choose({ DOCKER_HOST: 'not an address' })).toEqual({ kind: 'java', java: 'java' });
  });

  it('needs no Maven if the jars are there', async () => {
    await fakeCommand(folder, 'java', JAVA_17);
    await mkdir(jarsFolder(folder), { recursive: true });
    expect(await choose()).toEqual({ kind: 'java', java: 'java' });
  });

  it('prefers the Java of JAVA_HOME, unless it is too old', async () => {
    const home = join(folder, 'home');
    await mkdir(join(home, 'bin'), { recursive: true });
    await fakeCommand(join(home, 'bin'), 'java', JAVA_17);
    await fakeCommand(folder, 'java', JAVA_17);
    await fakeCommand(folder, 'mvn', 'exit 0');
    expect(await choose({ JAVA_HOME: home })).toEqual({ kind: 'java', java: join(home, 'bin', 'java') });
    await fakeCommand(join(home, 'bin'), 'java', `echo 'java version "1.8.0_392"' >&2`);
    expect(await choose({ JAVA_HOME: home })).toEqual({ kind: 'java', java: 'java' });
  });

  it.each([
    ['nothing is there', {}, 'no Docker engine answers, no Java 17 or newer, no Maven'],
    ['Docker is forced', { DEV_KAFKA: 'docker', KAFKA_BROKERS: 'a:9092' }, 'no Docker engine answers'],
    ['Java is forced', { DEV_KAFKA: 'java' }, 'no Java 17 or newer, no Maven'],
  ])('says what is missing and what to install where %s', async (_, variables, missing) => {
    await expect(choose(variables)).rejects.toThrow(
      `No Kafka to develop with (${missing}). Install Docker, or Java 17 with Maven, or set KAFKA_BROKERS`,
    );
  });

  it('does not count a Java that is too old', async () => {
    await fakeCommand(folder, 'java', `echo 'openjdk version "11.0.2" 2019-01-15' >&2`);
    await fakeCommand(folder, 'mvn', 'exit 0');
    await expect(choose()).rejects.toThrow('(no Docker engine answers, no Java 17 or newer)');
  });

  it('refuses a way that does not exist', async () => {
    await expect(choose({ DEV_KAFKA: 'podman' })).rejects.toThrow('DEV_KAFKA must be docker or java');
  });
});
