import type { Log } from '../observability/log';
import { RedisConnection } from './redis-connection';
import { decodeAnswer, isDone, Stale } from './replies';
import { toFields } from './settled-fields';
import type { ScriptedRedis } from './settled-scripts';
import type { Claim, ClaimAnswer, Progress, SettledAt, SettledStore } from './settled-store';
import { Unwritten, type Write } from './unwritten';

/** What {@link RedisSettledStore} is made of. */
export interface RedisSettledStoreOptions {
  /** `redis://` or `rediss://`, well-formed; one server or what looks like one, not Redis Cluster. */
  readonly url: string;
  /** In front of every key. */
  readonly keyPrefix: string;
  /** How long an ended command is remembered. */
  readonly ttlMs: number;
  /** How long after its last sign of life a process counts as dead. */
  readonly leaseMs: number;
  /** Another one for every start of a process. */
  readonly processId: string;
  readonly log: Log;
}

const DAY_MS = 86_400_000;
/** So many are written within far less than the connection's time for an answer. */
const WRITES_AT_ONCE = 500;
const STOP_FLUSH_MS = 700;
const UNAVAILABLE: ClaimAnswer = { kind: 'unavailable' };

/**
 * Remembers in Redis, for all replicas: `<keyPrefix>settled:<command>` per command and `<keyPrefix>lease:<processId>` per process,
 * each with a TTL (see settled-scripts.ts). What is asked within one turn of the event loop goes out together.
 *
 * - While Redis is away, claims answer `unavailable` at once. All else is remembered, the last of each command and 100,000 in all
 *   with the oldest lost first, and written once it is back, before anything can be claimed.
 * - A claim without an answer may have been executed all the same. It is released as soon as Redis is back, unless the command
 *   has moved on by then: nobody would ask again for a command that was handed over meanwhile, and this process, being alive,
 *   would hold it.
 * - An entry that this version cannot read leaves in doubt what became of the command.
 */
export class RedisSettledStore implements SettledStore {
  readonly isDurable = true;
  readonly #options: RedisSettledStoreOptions;
  readonly #connection: RedisConnection;
  readonly #leaseKey: string;
  readonly #claimTtlMs: number;
  readonly #unwritten = new Unwritten();
  /** Which record holds which command, as far as this process knows. */
  readonly #claimed = new Map<string, string>();
  #renewal: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: RedisSettledStoreOptions) {
    this.#options = options;
    this.#leaseKey = `${options.keyPrefix}lease:${options.processId}`;
    this.#claimTtlMs = Math.max(options.ttlMs, DAY_MS);
    this.#connection = new RedisConnection({
      url: options.url,
      prepare: (redis, generation) => this.#prepare(redis, generation),
      onAvailable: () => this.#returned(),
      log: options.log,
    });
  }

  get isAvailable(): boolean {
    return this.#connection.isAvailable && this.#stopping === undefined;
  }

  async claim(claim: Claim, told: Progress): Promise<ClaimAnswer> {
    if (!this.isAvailable) return UNAVAILABLE;
    const key = this.#keyOf(claim);
    // A claim says all that they would.
    if (this.#unwritten.get(key)?.kind !== 'settle') this.#unwritten.delete(key);
    const reply = await this.#connection.run((redis, generation) =>
      redis.settledClaim(
        this.#leaseKey,
        key,
        generation,
        this.#options.leaseMs,
        claim.digest,
        claim.redrive ?? '',
        this.#options.processId,
        claim.record,
        told.attempts,
        Number(told.perhapsSent),
        this.#claimTtlMs,
        `${this.#options.keyPrefix}lease:`,
      ),
    );
    const answer = decodeAnswer(reply, told);
    switch (answer.kind) {
      case 'claimed':
      case 'in-doubt':
        this.#claimed.set(key, claim.record);
        break;
      case 'unavailable':
        this.#claimed.set(key, claim.record);
        if (this.#unwritten.get(key) === undefined)
          this.#unwritten.add(key, { kind: 'release', claim, progress: told });
        break;
      case 'settled':
      case 'other-request':
      case 'held':
        break;
    }
    return answer;
  }

  keep(claim: Claim, progress: Progress): void {
    void this.#write({ kind: 'keep', claim, progress });
  }

  settle(claim: Claim, at: SettledAt): Promise<void> {
    return this.#write({ kind: 'settle', claim, settled: JSON.stringify(toFields(at)) });
  }

  release(claim: Claim, progress: Progress): void {
    void this.#write({ kind: 'release', claim, progress });
  }

  /** Resolves once it is known whether Redis is there; never rejects. */
  async start(): Promise<void> {
    if (this.#stopping !== undefined) return;
    this.#renewal ??= setInterval(() => void this.#renew(), this.#options.leaseMs / 3);
    await this.#connection.start();
  }

  /** Takes at most a second. The lease stays where a claim does, so that whoever takes that over has to wait for it. */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #stop(): Promise<void> {
    clearInterval(this.#renewal);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, STOP_FLUSH_MS);
    await Promise.race([this.#leave(), late.promise]);
    clearTimeout(timer);
    await this.#connection.stop();
  }

  async #leave(): Promise<void> {
    // Answers come in order: with this one, all that was sent before has been answered.
    await this.#renew();
    if (this.#claimed.size === 0 && this.#unwritten.size === 0) {
      await this.#connection.run((redis) => redis.del(this.#leaseKey));
    }
  }

  #renew(): Promise<unknown> {
    return this.#connection.run((redis, generation) =>
      redis.settledLease(this.#leaseKey, generation, this.#options.leaseMs),
    );
  }

  /** The lease comes first: its generation shuts out whatever the last connection has left behind. */
  async #prepare(redis: ScriptedRedis, generation: number): Promise<void> {
    if (!isDone(await redis.settledLease(this.#leaseKey, generation, this.#options.leaseMs))) throw new Stale();
    while (this.#unwritten.size > 0) {
      const writes = this.#unwritten.first(WRITES_AT_ONCE);
      await Promise.all(
        writes.map(async ([key, write]) => {
          const reply = await this.#send(redis, generation, key, write);
          if (!isDone(reply)) throw new Stale();
          this.#written(key, write, reply);
        }),
      );
    }
  }

  #returned(): void {
    // What was asked for between the last write and now.
    for (const [key, write] of this.#unwritten.first(this.#unwritten.size)) void this.#attempt(key, write);
    const lostWrites = this.#unwritten.takeLost();
    if (lostWrites > 0) this.#options.log('warn', 'Redis was away for too long', { lostWrites });
  }

  async #write(write: Write): Promise<void> {
    const key = this.#keyOf(write.claim);
    this.#unwritten.add(key, write);
    await this.#attempt(key, write);
  }

  async #attempt(key: string, write: Write): Promise<void> {
    const reply = await this.#connection.run((redis, generation) => this.#send(redis, generation, key, write));
    this.#written(key, write, reply);
  }

  #send(redis: ScriptedRedis, generation: number, key: string, write: Write): Promise<unknown> {
    const { processId, leaseMs, ttlMs } = this.#options;
    const { digest, redrive, record } = write.claim;
    const lease = [this.#leaseKey, key, generation, leaseMs] as const;
    switch (write.kind) {
      case 'settle':
        return redis.settledSettle(...lease, digest, redrive ?? '', write.settled, ttlMs);
      case 'keep': {
        const { attempts, perhapsSent } = write.progress;
        return redis.settledKeep(...lease, processId, record, attempts, Number(perhapsSent), this.#claimTtlMs);
      }
      case 'release': {
        const { attempts, perhapsSent } = write.progress;
        const told = [processId, record, attempts, Number(perhapsSent)] as const;
        return redis.settledRelease(...lease, ...told, this.#claimTtlMs, ttlMs);
      }
    }
  }

  #written(key: string, write: Write, reply: unknown): void {
    if (!isDone(reply)) return;
    if (this.#unwritten.get(key) === write) this.#unwritten.delete(key);
    if (write.kind !== 'keep' && this.#claimed.get(key) === write.claim.record) this.#claimed.delete(key);
  }

  #keyOf(claim: Claim): string {
    return `${this.#options.keyPrefix}settled:${claim.key}`;
  }
}
