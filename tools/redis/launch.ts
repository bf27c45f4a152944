import type { Broker, LaunchPlan } from '../kafka/dev-kafka.ts';

/** Options for every way of running a Redis. */
export interface RedisPlan extends Pick<LaunchPlan, 'root' | 'log' | 'signal'> {
  /** Whether its data survive a kill. */
  readonly persistent: boolean;
  /** More options of `redis-server`; they come after the usual ones. */
  readonly args: readonly string[];
}

/** A Redis that has been started, but may not be ready yet. */
export interface Launched {
  readonly server: Broker;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Data are kept in memory only, or each write is on disk before Redis answers it. */
export function dataOptions(persistent: boolean): string[] {
  return persistent
    ? ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    : ['--save', '', '--appendonly', 'no'];
}
