import { Redis } from 'ioredis';
import type { Log } from '../observability/log';
import { type ScriptedRedis, withScripts } from './settled-scripts';

/** Sends Redis commands. `generation` counts connections: commands of an older connection must have no effect. */
export type Send<T> = (redis: ScriptedRedis, generation: number) => Promise<T>;

interface Deps {
  /** A valid `redis://` or `rediss://` URL. */
  readonly url: string;
  /** Writes what a new connection needs before anything else. */
  readonly prepare: Send<void>;
  /** Called when Redis becomes available, for the first time or again. */
  readonly onAvailable: () => void;
  readonly log: Log;
}

const LOST = 'connection lost';

/** `refused`: Redis is there, and does not take the user name or password. Whether it is away does not matter. */
type FirstContact = 'met' | 'refused';

type Mode = 'idle' | 'connecting' | 'available' | 'away' | 'closed';

/** After this time a command counts as unanswered: Redis or the network hangs. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;
/** Answers to a user name or password that Redis does not take, or to none at all where it wants one. */
const REFUSALS: ReadonlySet<string> = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM']);
const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 1_000;
/** How long a hanging peer has to close its side. */
const DISCONNECT_TIMEOUT_MS = 100;

/**
 * A connection to Redis that is either available or not: no command waits for it.
 *
 * Modes: idle → connecting → available ⇄ away, and closed from each of them. Any error makes it `away`, also an error
 * that Redis answers (LOADING, READONLY, OOM …): the scripts have no errors of their own. It then reconnects without
 * end, at most a second after each failure. It is `available` once `prepare` has resolved.
 */
export class RedisConnection {
  private readonly deps: Deps;
  private readonly redis: ScriptedRedis;
  private readonly firstOutcome = Promise.withResolvers<FirstContact>();
  private mode: Mode = 'idle';
  private generation = 0;
  private failures = 0;
  private reason = LOST;

  constructor(deps: Deps) {
    this.deps = deps;
    const redis = new Redis(deps.url, {
      lazyConnect: true,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      // ioredis must not repeat commands of a lost connection: this class decides about them.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // `prepare` notices LOADING too, and does not wait for the time that Redis estimates.
      enableReadyCheck: false,
      protocol: 2,
      disableClientInfo: true,
      commandTimeout: COMMAND_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: DISCONNECT_TIMEOUT_MS,
      retryStrategy: () => Math.min(FIRST_BACKOFF_MS * 2 ** this.failures++, LONGEST_BACKOFF_MS),
    });
    redis.on('error', (error: unknown) => (this.reason = reasonOf(error)));
    redis.on('ready', () => void this.prepare());
    redis.on('close', () => this.lost());
    this.redis = withScripts(redis);
  }

  get isAvailable(): boolean {
    return this.mode === 'available';
  }

  /** Resolves once it is known whether Redis is available. */
  start(): Promise<FirstContact> {
    if (this.mode === 'idle') {
      this.mode = 'connecting';
      // A failure is reported by the event `close`.
      this.redis.connect().catch(() => {});
    }
    return this.firstOutcome.promise;
  }

  /**
   * Resolves to Redis's answer; to undefined after 500 ms without one, after an error, or while it is away. Never
   * rejects.
   */
  async run<T>(send: Send<T>): Promise<T | undefined> {
    if (!this.isAvailable) return undefined;
    const generation = this.generation;
    try {
      return await send(this.redis, generation);
    } catch (error) {
      this.failed(error, generation);
      return undefined;
    }
  }

  /** Closes for good. Commands without an answer never get one. */
  async stop(): Promise<void> {
    if (this.mode === 'closed') return;
    const isOpen = this.mode !== 'idle';
    this.mode = 'closed';
    this.firstOutcome.resolve('met');
    const ended = Promise.withResolvers<void>();
    this.redis.once('end', ended.resolve);
    this.redis.disconnect();
    // Between two connections nothing emits `end`, though ioredis still has a timer.
    const timer = setTimeout(ended.resolve, 2 * DISCONNECT_TIMEOUT_MS);
    if (isOpen) await ended.promise;
    clearTimeout(timer);
  }

  private async prepare(): Promise<void> {
    const generation = ++this.generation;
    try {
      await this.deps.prepare(this.redis, generation);
    } catch (error) {
      this.failed(error, generation);
      return;
    }
    if (generation !== this.generation || this.mode === 'closed') return;
    this.failures = 0;
    this.enter('available');
  }

  /** Only the first failure of a connection counts: it causes the others. */
  private failed(error: unknown, generation: number): void {
    if (generation !== this.generation || this.mode === 'closed') return;
    this.generation += 1;
    this.reason = reasonOf(error);
    this.enter('away');
    if (this.redis.status === 'ready') this.redis.disconnect(true);
  }

  private lost(): void {
    if (this.mode === 'closed') return;
    this.generation += 1;
    this.enter('away');
  }

  private enter(mode: 'available' | 'away'): void {
    if (this.mode === mode) return;
    this.mode = mode;
    if (mode === 'available') this.deps.log('info', 'Redis is available', {});
    else this.deps.log('warn', 'Redis is away, connecting anew until it is back', { reason: this.reason });
    const isRefusal = mode === 'away' && REFUSALS.has(this.reason);
    this.reason = LOST;
    if (mode === 'available') this.deps.onAvailable();
    this.firstOutcome.resolve(isRefusal ? 'refused' : 'met');
  }
}

/** Only a code (ECONNREFUSED, OOM, WRONGPASS): messages may contain the address. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return code;
  if (message === 'Command timed out') return 'timeout';
  return /^[A-Z]{2,}(?= )/.exec(String(message))?.[0] ?? LOST;
}
