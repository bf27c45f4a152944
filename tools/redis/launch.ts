import type { Broker, LaunchPlan } from '../kafka/dev-kafka.ts';

/** What every way of running a Redis needs to know. */
export interface RedisPlan extends Pick<LaunchPlan, 'root' | 'log' | 'signal'> {
  /** Whether it keeps its data over a kill. */
  readonly persistent: boolean;
  /** Options of `redis-server`, after the usual ones. */
  readonly args: readonly string[];
}

/** A Redis that was told to start; it may not be ready yet. */
export interface Launched {
  readonly server: Broker;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** How Redis treats its data: not at all, or each write is on the disk before it is answered. */
export function dataOptions(persistent: boolean): string[] {
  return persistent
    ? ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
    : ['--save', '', '--appendonly', 'no'];
}
