/** Where a development Redis comes from: named by `REDIS_URL`, run in Docker, or a program of this machine, from its PATH or fetched by Maven. */
type RedisKind = 'existing' | 'docker' | 'path' | 'maven';

/** A Redis to develop, test and measure against. */
export interface DevRedis extends AsyncDisposable {
  /** Stays the same over restarts. */
  readonly url: string;
  readonly kind: RedisKind;
  /** False for an existing Redis: the four methods below then reject. */
  readonly canControl: boolean;
  /** SIGKILL; resolves once it has ended. */
  kill(): Promise<void>;
  /** Starts an ended one on its old port, with what it has kept, and resolves once it answers. */
  start(): Promise<void>;
  /** Freezes it: its connections stay open and unanswered. */
  pause(): Promise<void>;
  /** Lets a frozen one go on. */
  resume(): Promise<void>;
  /** Ends it and removes its data; an existing Redis is left alone. May be called again, and at any time. */
  stop(): Promise<void>;
}
