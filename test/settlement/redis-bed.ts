import { randomUUID } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { RedisSettledStore } from '../../src/settlement/redis-settled-store';
import type { DevRedis } from '../../tools/redis/dev-redis';
import { startRedis } from '../../tools/redis/start-redis';
import { withEnvironment } from '../tools/kafka/with-environment';
import { aClaim, NOTHING } from './store-fixtures';

/** A store like that of a separate process, and its log. */
export interface Process {
  readonly store: RedisSettledStore;
  readonly leaseKey: string;
  readonly lines: string[];
  readonly changes: boolean[];
}

/** A Redis, and processes that use it. */
export class RedisBed {
  readonly #processes: RedisSettledStore[] = [];

  private constructor(
    readonly server: DevRedis,
    /** A client beside the stores, to look into Redis and to damage it. */
    readonly admin: Redis,
  ) {}

  /** On a Redis of its own, which may be stopped, broken and emptied. */
  static async start(): Promise<RedisBed> {
    return RedisBed.#on(await startRedis());
  }

  /** On the Redis that all integration specs share. */
  static async onShared(): Promise<RedisBed> {
    const url = process.env['SHARED_REDIS'];
    return RedisBed.#on(await withEnvironment({ REDIS_URL: url, DEV_KAFKA: undefined }, () => startRedis()));
  }

  static #on(server: DevRedis): RedisBed {
    const admin = new Redis(server.url, { retryStrategy: () => 20 });
    admin.on('error', () => {});
    return new RedisBed(server, admin);
  }

  /** By default its lease outlasts every test. */
  async process(options: { leaseMs?: number; prefix?: string; url?: string } = {}): Promise<Process> {
    const { leaseMs = 600_000, prefix = 'test:', url = this.server.url } = options;
    const processId = randomUUID();
    const lines: string[] = [];
    const changes: boolean[] = [];
    const store = new RedisSettledStore({
      url,
      keyPrefix: prefix,
      ttlMs: 3_600_000,
      leaseMs,
      processId,
      log: (level, message, fields) => {
        lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
        if (/^Redis is (?:available|away)/.test(message)) changes.push(message === 'Redis is available');
      },
    });
    this.#processes.push(store);
    await store.start();
    return { store, leaseKey: `${prefix}lease:${processId}`, lines, changes };
  }

  /** Ends the lease of a process, so that it looks dead to all others. It must not be used afterwards. */
  async die({ leaseKey }: Process): Promise<void> {
    await this.admin.del(leaseKey);
  }

  /** Answers come in order: after this one, everything that the process asked for before is done. */
  async untilWritten({ store }: Process): Promise<void> {
    await store.claim(aClaim(), NOTHING);
  }

  async stopProcesses(): Promise<void> {
    await Promise.all(this.#processes.splice(0).map((store) => store.stop()));
  }

  async stop(): Promise<void> {
    await this.stopProcesses();
    this.admin.disconnect();
    await this.server.stop();
  }
}

/** Passes everything on to a Redis, and counts the pieces in which requests arrive. */
export class CountingProxy {
  pieces = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: string) {
    const { hostname, port } = new URL(target);
    this.#server = createServer((client) => {
      const upstream = connect(Number(port), hostname);
      for (const socket of [client, upstream]) this.#sockets.add(socket.on('error', () => {}));
      client.on('data', (piece) => {
        this.pieces += 1;
        upstream.write(piece);
      });
      upstream.pipe(client);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening on a port');
    return `redis://127.0.0.1:${address.port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
