import type { Log } from '../observability/log';
import { RedisConnection } from './redis-connection';
import { decodeAnswer, isDone, Stale } from './replies';
import { toFields } from './settled-fields';
import type { ScriptedRedis } from './settled-scripts';
import type { Claim, ClaimAnswer, Progress, SettledAt, SettledStore } from './settled-store';
import { Unwritten, type Write } from './unwritten';

/** Options of {@link RedisSettledStore}. */
export interface RedisSettledStoreOptions {
  /** A valid `redis://` or `rediss://` URL of one server, or of a proxy that looks like one. Not Redis Cluster. */
  readonly url: string;
  /** Every key begins with this. */
  readonly keyPrefix: string;
  /** How long a settled command is remembered. */
  readonly ttlMs: number;
  /** A process counts as dead this long after its last sign of life. */
  readonly leaseMs: number;
  /** Unique for every start of a process. */
  readonly processId: string;
  readonly log: Log;
}

const DAY_MS = 86_400_000;
/** Redis executes this many writes in far less time than the connection waits for an answer. */
const WRITES_AT_ONCE = 500;
const STOP_FLUSH_MS = 700;
const UNAVAILABLE: ClaimAnswer = { kind: 'unavailable' };

/**
 * Remembers in Redis, for all replicas. The key of a command is `<keyPrefix>settled:<command>`; the key of a process is
 * `<keyPrefix>lease:<processId>`. Every key has a TTL (see settled-scripts.ts). Requests of one turn of the event loop
 * go out together.
 *
 * - While Redis is away, claims are answered `unavailable` at once. Other writes are kept: the last one of each
 *   command, at most 100,000, and the oldest is lost first. They are written once Redis is back, before anything can be
 *   claimed.
 * - Redis may have executed a claim without an answer. Such a claim is released as soon as Redis is back, unless the
 *   command has moved on by then. Else this process would keep a claim for a command that another replica now owns.
 * - If this version cannot read an entry, its command is in doubt.
 */
export class RedisSettledStore implements SettledStore {
  readonly isDurable = true;
  private readonly options: RedisSettledStoreOptions;
  private readonly connection: RedisConnection;
  private readonly leaseKey: string;
  private readonly claimTtlMs: number;
  private readonly unwritten = new Unwritten();
  /** By the key of a command: the record that this process has claimed it for, as far as it knows. */
  private readonly claimed = new Map<string, string>();
  private renewal: NodeJS.Timeout | undefined;
  private stopping: Promise<void> | undefined;

  constructor(options: RedisSettledStoreOptions) {
    this.options = options;
    this.leaseKey = `${options.keyPrefix}lease:${options.processId}`;
    this.claimTtlMs = Math.max(options.ttlMs, DAY_MS);
    this.connection = new RedisConnection({
      url: options.url,
      prepare: (redis, generation) => this.prepare(redis, generation),
      onAvailable: () => this.returned(),
      log: options.log,
    });
  }

  get isAvailable(): boolean {
    return this.connection.isAvailable && this.stopping === undefined;
  }

  async claim(claim: Claim, told: Progress): Promise<ClaimAnswer> {
    if (!this.isAvailable) return UNAVAILABLE;
    const key = this.keyOf(claim);
    // The claim itself carries the progress that such a write would.
    if (this.unwritten.get(key)?.kind !== 'remember') this.unwritten.delete(key);
    const reply = await this.connection.run((redis, generation) =>
      redis.settledClaim(
        this.leaseKey,
        key,
        generation,
        this.options.leaseMs,
        claim.digest,
        claim.redrive ?? '',
        this.options.processId,
        claim.record,
        told.attempts,
        Number(told.perhapsSent),
        this.claimTtlMs,
        `${this.options.keyPrefix}lease:`,
      ),
    );
    const answer = decodeAnswer(reply, told);
    switch (answer.kind) {
      case 'claimed':
      case 'in-doubt':
        this.claimed.set(key, claim.record);
        break;
      case 'unavailable':
        this.claimed.set(key, claim.record);
        if (this.unwritten.get(key) === undefined) this.unwritten.add(key, { kind: 'release', claim, progress: told });
        break;
      case 'settled':
      case 'other-request':
      case 'claimed-elsewhere':
        break;
    }
    return answer;
  }

  keep(claim: Claim, progress: Progress): void {
    void this.write({ kind: 'keep', claim, progress });
  }

  remember(claim: Claim, at: SettledAt): Promise<void> {
    return this.write({ kind: 'remember', claim, settled: JSON.stringify(toFields(at)) });
  }

  release(claim: Claim, progress: Progress): void {
    void this.write({ kind: 'release', claim, progress });
  }

  /**
   * Resolves once it is known whether Redis is available.
   *
   * @throws Error that names REDIS_URL if Redis refuses its user name or password
   */
  async start(): Promise<void> {
    if (this.stopping !== undefined) return;
    this.renewal ??= setInterval(() => void this.renew(), this.options.leaseMs / 3);
    if ((await this.connection.start()) === 'refused') {
      throw new Error('REDIS_URL: Redis refuses the user name or password in it, or wants one that it lacks');
    }
  }

  /** Takes at most a second. While a claim stays in Redis, the lease stays too, so that others wait for it to end. */
  stop(): Promise<void> {
    return (this.stopping ??= this.flushAndClose());
  }

  private async flushAndClose(): Promise<void> {
    clearInterval(this.renewal);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, STOP_FLUSH_MS);
    await Promise.race([this.leave(), late.promise]);
    clearTimeout(timer);
    await this.connection.stop();
  }

  private async leave(): Promise<void> {
    // Answers come in order: after this one, everything that was sent before has been answered.
    await this.renew();
    if (this.claimed.size === 0 && this.unwritten.size === 0) {
      await this.connection.run((redis) => redis.del(this.leaseKey));
    }
  }

  private renew(): Promise<unknown> {
    return this.connection.run((redis, generation) =>
      redis.settledLease(this.leaseKey, generation, this.options.leaseMs),
    );
  }

  /** The lease comes first: its generation makes late commands of the last connection ineffective. */
  private async prepare(redis: ScriptedRedis, generation: number): Promise<void> {
    if (!isDone(await redis.settledLease(this.leaseKey, generation, this.options.leaseMs))) throw new Stale();
    while (this.unwritten.size > 0) {
      const writes = this.unwritten.first(WRITES_AT_ONCE);
      await Promise.all(
        writes.map(async ([key, write]) => {
          const reply = await this.send(redis, generation, key, write);
          if (!isDone(reply)) throw new Stale();
          this.written(key, write, reply);
        }),
      );
    }
  }

  private returned(): void {
    // Writes that were added since the last one of `prepare`.
    for (const [key, write] of this.unwritten.first(this.unwritten.size)) void this.attempt(key, write);
    const lostWrites = this.unwritten.takeLost();
    if (lostWrites > 0) this.options.log('warn', 'Redis was away for too long', { lostWrites });
  }

  private async write(write: Write): Promise<void> {
    const key = this.keyOf(write.claim);
    this.unwritten.add(key, write);
    await this.attempt(key, write);
  }

  private async attempt(key: string, write: Write): Promise<void> {
    const reply = await this.connection.run((redis, generation) => this.send(redis, generation, key, write));
    this.written(key, write, reply);
  }

  private send(redis: ScriptedRedis, generation: number, key: string, write: Write): Promise<unknown> {
    const { processId, leaseMs, ttlMs } = this.options;
    const { digest, redrive, record } = write.claim;
    const lease = [this.leaseKey, key, generation, leaseMs] as const;
    switch (write.kind) {
      case 'remember':
        return redis.settledRemember(...lease, digest, redrive ?? '', write.settled, ttlMs);
      case 'keep': {
        const { attempts, perhapsSent } = write.progress;
        return redis.settledKeep(...lease, processId, record, attempts, Number(perhapsSent), this.claimTtlMs);
      }
      case 'release': {
        const { attempts, perhapsSent } = write.progress;
        const told = [processId, record, attempts, Number(perhapsSent)] as const;
        return redis.settledRelease(...lease, ...told, this.claimTtlMs, ttlMs);
      }
    }
  }

  private written(key: string, write: Write, reply: unknown): void {
    if (!isDone(reply)) return;
    if (this.unwritten.get(key) === write) this.unwritten.delete(key);
    if (write.kind !== 'keep' && this.claimed.get(key) === write.claim.record) this.claimed.delete(key);
  }

  private keyOf(claim: Claim): string {
    return `${this.options.keyPrefix}settled:${claim.key}`;
  }
}
