/**
 * Where a development Redis comes from: `REDIS_URL`, Docker, or a program of this machine, on its PATH or fetched by
 * Maven.
 */
type RedisKind = 'existing' | 'docker' | 'path' | 'maven';

/** A Redis to develop, test and measure against. */
export interface DevRedis extends AsyncDisposable {
  /** Stays the same when the Redis restarts. */
  readonly url: string;
  readonly kind: RedisKind;
  /** False for an existing Redis: then the four methods below reject. */
  readonly canControl: boolean;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
  /** Starts an ended Redis again, on the same port and with the data that it has kept; resolves when it answers. */
  start(): Promise<void>;
  /** Freezes it: connections stay open, but nothing is answered. */
  pause(): Promise<void>;
  /** Lets a frozen Redis go on. */
  resume(): Promise<void>;
  /** Ends it and removes its data. Does nothing to an existing Redis. May be called again, and at any time. */
  stop(): Promise<void>;
}
