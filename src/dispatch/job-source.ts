import type { IncomingRecord } from '../contract/record';
import type { PartitionQueues } from './schedule/queues';
import type { Job } from './job';

/** How many commands of one command topic are answered and not recorded yet; see `Unrecorded`. */
export interface UnrecordedCount {
  add(commands: number): void;
  remove(commands: number): void;
}

/** The partition that a command came from, as far as dispatch needs to know it. */
export interface JobSource {
  /** Where its commands wait. */
  readonly queues: PartitionQueues<Job>;
  /** Whether the partition is this replica's; false from the moment that it is lost. */
  readonly isOwned: boolean;
  /**
   * Whether its commands may be sent now: it is owned, and the group can be trusted to know that this replica lives.
   */
  readonly maySend: boolean;
  /**
   * The command is settled: its offset may be committed. Once that is acknowledged it leaves `unrecorded`; null for one
   * that
   * was never counted there.
   */
  settled(record: IncomingRecord, unrecorded: UnrecordedCount | null): void;
  /** The command was given up unsent, because the partition was lost. */
  forgotten(record: IncomingRecord): void;
}
