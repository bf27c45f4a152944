import { Redis } from 'ioredis';
import type { Log } from '../observability/log';
import { type ScriptedRedis, withScripts } from './settled-scripts';

/** Sends one or more commands at once. `generation` counts connections: commands of an older one must not count. */
export type Send<T> = (redis: ScriptedRedis, generation: number) => Promise<T>;

interface Deps {
  /** Well-formed. */
  readonly url: string;
  /** What has to be written on a new connection before anything else. */
  readonly prepare: Send<void>;
  /** It can be asked, for the first time or again. */
  readonly onAvailable: () => void;
  readonly log: Log;
}

const LOST = 'connection lost';

type Mode = 'idle' | 'connecting' | 'available' | 'away' | 'closed';

/** After which a command counts as unanswered: Redis hangs, or the way to it does. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;
/** Given to a hanging peer to close its side. */
const DISCONNECT_TIMEOUT_MS = 100;

/**
 * A connection to Redis that is either there or not: nothing waits for it.
 *
 * idle → connecting → available ⇄ away, and closed from each of them. Any error makes it `away`, also one that Redis answers
 * (LOADING, READONLY, OOM …): scripts have no errors of their own. It then connects anew, for ever, at most a second apart, and
 * is `available` once `prepare` has been done.
 */
export class RedisConnection {
  readonly #deps: Deps;
  readonly #redis: ScriptedRedis;
  readonly #firstOutcome = Promise.withResolvers<void>();
  #mode: Mode = 'idle';
  #generation = 0;
  #failures = 0;
  #reason = LOST;

  constructor(deps: Deps) {
    this.#deps = deps;
    const redis = new Redis(deps.url, {
      lazyConnect: true,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      // What is unanswered when the connection is lost is judged here, never sent again unseen.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // `prepare` meets LOADING as well, and without waiting for what Redis estimates.
      enableReadyCheck: false,
      protocol: 2,
      disableClientInfo: true,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      retryStrategy: () => Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures++, LONGEST_BACKOFF_MS),
    });
    redis.on('error', (error: unknown) => (this.#reason = reasonOf(error)));
    redis.on('ready', () => void this.#prepare());
    redis.on('close', () => this.#lost());
    this.#redis = withScripts(redis);
  }

  get isAvailable(): boolean {
    return this.#mode === 'available';
  }

  /** Resolves once it is known whether Redis is there. */
  start(): Promise<void> {
    if (this.#mode === 'idle') {
      this.#mode = 'connecting';
      // `close` tells of a failure.
      this.#redis.connect().catch(() => {});
    }
    return this.#firstOutcome.promise;
  }

  /** What Redis answered; undefined where it did not within 500 ms, answered an error, or is away. Never rejects. */
  async run<T>(send: Send<T>): Promise<T | undefined> {
    if (!this.isAvailable) return undefined;
    const generation = this.#generation;
    try {
      return await send(this.#redis, generation);
    } catch (error) {
      this.#failed(error, generation);
      return undefined;
    }
  }

  /** Closes, for good. What is unanswered stays so. */
  async stop(): Promise<void> {
    if (this.#mode === 'closed') return;
    const isOpen = this.#mode !== 'idle';
    this.#mode = 'closed';
    this.#firstOutcome.resolve();
    const ended = Promise.withResolvers<void>();
    this.#redis.once('end', ended.resolve);
    this.#redis.disconnect();
    // Between two connections there is nothing to end, but ioredis keeps its timer all the same.
    const timer = setTimeout(ended.resolve, 2 * DISCONNECT_TIMEOUT_MS);
    if (isOpen) await ended.promise;
    clearTimeout(timer);
  }

  async #prepare(): Promise<void> {
    const generation = ++this.#generation;
    try {
      await this.#deps.prepare(this.#redis, generation);
    } catch (error) {
      this.#failed(error, generation);
      return;
    }
    if (generation !== this.#generation || this.#mode === 'closed') return;
    this.#failures = 0;
    this.#enter('available');
  }

  /** Only the first failure of a connection counts: the others follow from it. */
  #failed(error: unknown, generation: number): void {
    if (generation !== this.#generation || this.#mode === 'closed') return;
    this.#generation += 1;
    this.#reason = reasonOf(error);
    this.#enter('away');
    if (this.#redis.status === 'ready') this.#redis.disconnect(true);
  }

  #lost(): void {
    if (this.#mode === 'closed') return;
    this.#generation += 1;
    this.#enter('away');
  }

  #enter(mode: 'available' | 'away'): void {
    if (this.#mode === mode) return;
    this.#mode = mode;
    if (mode === 'available') this.#deps.log('info', 'Redis is available', {});
    else this.#deps.log('warn', 'Redis is away, connecting anew until it is back', { reason: this.#reason });
    this.#reason = LOST;
    if (mode === 'available') this.#deps.onAvailable();
    this.#firstOutcome.resolve();
  }
}

/** A code alone (ECONNREFUSED, OOM, WRONGPASS): messages may name the address. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  if (message === 'Command timed out') return 'timeout';
  return /^[A-Z]{2,}(?= )/.exec(String(message))?.[0] ?? LOST;
}
