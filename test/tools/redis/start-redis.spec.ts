import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { dockerAvailable } from '../../../tools/kafka/docker-available';
import { projectRoot } from '../../../tools/kafka/project-root';
import { chooseRedis } from '../../../tools/redis/choose-redis';
import type { DevRedis } from '../../../tools/redis/dev-redis';
import { ensureRedisBinary, redisBinary } from '../../../tools/redis/redis-binary';
import { startRedis, type StartRedisOptions } from '../../../tools/redis/start-redis';
import { fakeCommand } from '../kafka/fake-command';
import { remaining } from '../kafka/traces';
import { withEnvironment } from '../kafka/with-environment';

const run = promisify(execFile);

// The test run may already use a Redis; these tests start others.
const OWN = { REDIS_URL: undefined };

let folder: string;
let redis: DevRedis | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-redis-'));
});

afterEach(async () => {
  await redis?.stop();
  redis = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function started(options: StartRedisOptions = {}, environment: Record<string, string | undefined> = {}) {
  redis = await withEnvironment({ ...OWN, TMPDIR: folder, ...environment }, () => startRedis(options));
  return redis;
}

/** Asks one question on a connection of its own; rejects if no answer comes within 300 ms. */
async function ask<T>({ url }: DevRedis, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    commandTimeout: 300,
    disconnectTimeout: 50,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await question(client);
  } finally {
    client.disconnect();
  }
}

/** Data folders and processes of a Redis that was started with TMPDIR at `folder`. */
async function traces(): Promise<string[]> {
  const { stdout } = await run('ps', ['-ww', '-eo', 'pid=,stat=,args=']);
  return [...stdout.split('\n').filter((line) => line.includes(`--dir ${folder}`)), ...(await readdir(folder))];
}

describe('a development Redis', () => {
  it('forgets its data when it is killed, and comes back at the same address', async () => {
    const own = await started();
    expect(own.canControl).toBe(true);
    await ask(own, (client) => client.set('a', '1'));
    await own.kill();
    await expect(ask(own, (client) => client.ping())).rejects.toThrow('Connection is closed');
    await own.start();
    expect(await ask(own, (client) => client.get('a'))).toBeNull();
  });

  it('keeps every write over a kill if it is persistent', async () => {
    const own = await started({ persistent: true });
    await ask(own, (client) => client.set('a', '1'));
    await own.kill();
    await own.start();
    expect(await ask(own, (client) => client.get('a'))).toBe('1');
  });

  it('answers nothing while it is paused', async () => {
    const own = await started();
    await own.pause();
    await expect(ask(own, (client) => client.ping())).rejects.toThrow('Connection is closed');
    await own.resume();
    expect(await ask(own, (client) => client.ping())).toBe('PONG');
  });

  it('takes more options', async () => {
    const own = await started({ args: ['--maxmemory', '5mb'] });
    expect(await ask(own, (client) => client.config('GET', 'maxmemory'))).toEqual(['maxmemory', '5242880']);
  });

  it('leaves nothing when it is stopped, and may be stopped again', async () => {
    const own = await started();
    await own.pause();
    await Promise.all([own.stop(), own.stop()]);
    expect(await remaining(traces)).toEqual([]);
    await expect(own.start()).rejects.toThrow('has been stopped');
  });

  it('counts as an existing Redis if only its address is given, and is then neither controlled nor stopped', async () => {
    const own = await started();
    const guest = await withEnvironment({ REDIS_URL: own.url, DEV_KAFKA: undefined }, () => startRedis());
    expect(guest).toMatchObject({ kind: 'existing', canControl: false, url: own.url });
    await expect(guest.kill()).rejects.toThrow('REDIS_URL');
    await guest.stop();
    expect(await ask(own, (client) => client.ping())).toBe('PONG');
  });
});

describe('a start of a development Redis that fails', () => {
  it('says that Redis ended, and leaves nothing', async () => {
    const starting = started({ args: ['--maxmemory', 'plenty'] }, { DEV_KAFKA: 'java' });
    await expect(starting).rejects.toThrow('redis-server ended');
    expect(await remaining(traces)).toEqual([]);
  });

  it('leaves nothing if it is aborted', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    controller.abort(reason);
    await expect(started({ signal: controller.signal })).rejects.toBe(reason);
    expect(await remaining(traces)).toEqual([]);
  });
});

describe('a development Redis of a process that is killed', () => {
  it('ends with it', async () => {
    const script = join(projectRoot(), 'tools', 'redis', 'start-redis.ts');
    const code = `const { url } = await (await import(${JSON.stringify(script)})).startRedis(); console.log(url)`;
    const { REDIS_URL: _, ...inherited } = process.env;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: projectRoot(),
      env: { ...inherited, TMPDIR: folder, DEV_KAFKA: 'java' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface(child.stdout), 'line');
    expect(await traces()).not.toEqual([]);
    child.kill('SIGKILL');
    expect(await remaining(traces)).toEqual([]);
  });
});

describe('the choice of a development Redis', () => {
  const bare = { DOCKER_HOST: 'unix:///nowhere', REDIS_URL: undefined, DEV_KAFKA: undefined };

  function choose(variables: Record<string, string> = {}) {
    return withEnvironment({ ...bare, PATH: folder, ...variables }, () => chooseRedis(folder));
  }

  it('is REDIS_URL, then the PATH, then Maven', async () => {
    await fakeCommand(folder, 'mvn', 'exit 0');
    expect(await choose()).toEqual({ kind: 'maven' });
    await fakeCommand(folder, 'redis-server', 'exit 0');
    expect(await choose()).toEqual({ kind: 'path' });
    expect(await choose({ REDIS_URL: 'redis://r:1' })).toEqual({ kind: 'existing', url: 'redis://r:1' });
  });

  it('follows DEV_KAFKA', async () => {
    await fakeCommand(folder, 'redis-server', 'exit 0');
    expect(await choose({ DEV_KAFKA: 'java', REDIS_URL: 'redis://r:1' })).toEqual({ kind: 'path' });
    await expect(choose({ DEV_KAFKA: 'docker' })).rejects.toThrow('no Docker engine answers');
    await expect(choose({ DEV_KAFKA: 'other' })).rejects.toThrow('DEV_KAFKA must be');
  });

  it('says what to install if there is nothing', async () => {
    await expect(choose()).rejects.toThrow(/no redis-server on the PATH, no Maven.*set REDIS_URL=/);
  });
});

describe('the Redis that Maven fetches', () => {
  const WRITES_IT = `
for argument; do case $argument in *pom.xml) pom=$argument;; esac; done
name=$(sed -n 's/.*<includes>\\(.*\\)<.includes>.*/\\1/p' "$pom"); sleep 0.1; echo 'exit 0' >"$(dirname "$pom")/$name"`;

  function ensure(): Promise<string> {
    const signal = new AbortController().signal;
    const path = `${folder}:${process.env['PATH']}`;
    return withEnvironment({ PATH: path }, () => ensureRedisBinary({ root: folder, log: () => {}, signal }));
  }

  it('is one program for several callers at once, and nothing else is left', async () => {
    await fakeCommand(folder, 'mvn', WRITES_IT);
    const paths = await Promise.all([ensure(), ensure()]);
    expect(new Set(paths)).toEqual(new Set([redisBinary(folder)]));
    await fakeCommand(folder, 'mvn', 'exit 1');
    expect(await ensure()).toBe(redisBinary(folder));
    expect(await readdir(join(folder, 'node_modules', '.cache', 'messages-dispatcher'))).toHaveLength(1);
  });

  it('is reported as missing with the output of Maven', async () => {
    await fakeCommand(folder, 'mvn', 'echo "[ERROR] no such repository"; exit 1');
    await expect(ensure()).rejects.toThrow(/Maven could not fetch Redis 7\.0\.15: \[ERROR\] no such repository/);
  });
});

describe('a development Redis in Docker', () => {
  it('can be killed and started again, if an engine answers', async () => {
    if (!(await dockerAvailable())) return;
    const own = await started({ persistent: true }, { DEV_KAFKA: 'docker' });
    expect(own.kind).toBe('docker');
    await ask(own, (client) => client.set('a', '1'));
    await own.kill();
    await own.start();
    expect(await ask(own, (client) => client.get('a'))).toBe('1');
  });
});

it('can be imported by Node without a build', async () => {
  const path = join(projectRoot(), 'tools', 'redis', 'start-redis.ts');
  const child = spawn(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(path)})`]);
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code, errors }).toMatchObject({ code: 0 });
});
