import type { Log } from '../kafka/dev-kafka.ts';
import { announceIfSlow } from '../kafka/progress.ts';
import { projectRoot } from '../kafka/project-root.ts';
import { chooseRedis } from './choose-redis.ts';
import type { RedisSource } from './choose-redis.ts';
import type { DevRedis } from './dev-redis.ts';
import { launchProgram } from './launch-program.ts';
import type { Launched, RedisPlan } from './launch.ts';
import { ensureRedisBinary } from './redis-binary.ts';
import { untilAnswering } from './until-answering.ts';

const READY_TIMEOUT_MS = 30_000;
const EXISTING_TIMEOUT_MS = 5_000;

/** Options of {@link startRedis}. All are optional. */
export interface StartRedisOptions {
  /** Default: this project's folder, at or above the working directory. */
  readonly root?: string;
  readonly log?: Log;
  /**
   * Stops the start: `startRedis` then cleans up and rejects with the signal's reason. Does not end a Redis that runs.
   */
  readonly signal?: AbortSignal;
  /** Whether data survive a restart; default false. No effect on an existing Redis. */
  readonly persistent?: boolean;
  /** More options of `redis-server`; they may replace the usual ones. No effect on an existing Redis. */
  readonly args?: readonly string[];
}

/**
 * Starts a Redis for tests, demo and benchmark, and resolves when it is ready for clients. It is the Redis of
 * `REDIS_URL`, else one in Docker, else a `redis-server` of this machine. `DEV_KAFKA=docker` or `DEV_KAFKA=java` forces
 * one way, as for Kafka. A Redis started here ends with this process, even if this process is killed. If nothing can be
 * started, it rejects and says what to install.
 */
export async function startRedis(options: StartRedisOptions = {}): Promise<DevRedis> {
  const plan: RedisPlan = {
    root: options.root ?? projectRoot(),
    log: options.log ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
    persistent: options.persistent ?? false,
    args: options.args ?? [],
  };
  try {
    plan.signal.throwIfAborted();
    return await start(plan);
  } catch (error) {
    // An interrupted step rejects with an AbortError of its own, not with the signal's reason.
    plan.signal.throwIfAborted();
    throw error;
  }
}

async function start(plan: RedisPlan): Promise<DevRedis> {
  const source = await chooseRedis(plan.root);
  if (source.kind === 'existing') return useExisting(source.url, plan);

  const launched = await launch(source, plan);
  try {
    await announceIfSlow(plan.log, `waiting for Redis at ${launched.server.address}`, ready(launched, plan.signal));
  } catch (error) {
    await launched.remove();
    throw error;
  }
  return controlled(source.kind, launched);
}

async function launch(source: Exclude<RedisSource, { kind: 'existing' }>, plan: RedisPlan): Promise<Launched> {
  switch (source.kind) {
    case 'docker': {
      // It takes half a second to load, so it is loaded only if it is used.
      const { launchDocker } = await import('./launch-docker.ts');
      const what = 'starting Redis in Docker (the first time, its image is downloaded)';
      return announceIfSlow(plan.log, what, launchDocker(plan));
    }
    case 'path':
      return launchProgram('redis-server', plan);
    case 'maven':
      return launchProgram(await ensureRedisBinary(plan), plan);
  }
}

function ready({ server }: Launched, signal: AbortSignal): Promise<void> {
  const fault = (): string | undefined => server.fault();
  return untilAnswering({ url: `redis://${server.address}`, timeoutMs: READY_TIMEOUT_MS, signal, fault });
}

async function useExisting(url: string, { log, signal }: RedisPlan): Promise<DevRedis> {
  const question = { url, timeoutMs: EXISTING_TIMEOUT_MS, signal, fault: () => undefined };
  await announceIfSlow(log, 'waiting for the Redis of REDIS_URL', untilAnswering(question));
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('the Redis of REDIS_URL is not controlled from here: unset it to have one started'));
  return {
    url,
    kind: 'existing',
    canControl: false,
    kill: refuse,
    start: refuse,
    pause: refuse,
    resume: refuse,
    stop: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function controlled(kind: Exclude<RedisSource['kind'], 'existing'>, launched: Launched): DevRedis {
  const stopping = new AbortController();
  let removal: Promise<void> | undefined;
  const { server } = launched;
  const stop = (): Promise<void> => {
    stopping.abort(new Error('this Redis has been stopped'));
    return (removal ??= launched.remove());
  };
  const unlessStopped = async (action: () => Promise<void>): Promise<void> => {
    stopping.signal.throwIfAborted();
    await action();
  };
  return {
    url: `redis://${server.address}`,
    kind,
    canControl: true,
    kill: () => unlessStopped(() => server.kill('SIGKILL')),
    start: () =>
      unlessStopped(async () => {
        await server.start();
        await ready(launched, stopping.signal);
      }),
    pause: () => unlessStopped(() => server.pause()),
    resume: () => unlessStopped(() => server.resume()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
