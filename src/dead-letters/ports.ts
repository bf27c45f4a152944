import type { IncomingRecord } from '../contract/record';
import type { Publication } from '../settlement/publisher';
import type { PageCommit, PageMarks } from './redrive-marks';

/** The offsets that a partition has: from `first`, and below `end`. */
export interface PartitionBounds {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
}

/** The records of the dead-letter topic. */
export interface DeadLetterRecords {
  /** The bounds of every partition at this moment, in the order of partitions. */
  bounds(signal: AbortSignal): Promise<readonly PartitionBounds[]>;
  /** The records within bounds: one partition after another, each in order. Rejects with the signal's reason. */
  read(bounds: readonly PartitionBounds[], signal: AbortSignal): AsyncIterable<IncomingRecord>;
}

/**
 * How a batch ended:
 * - `redriven`: written and marked;
 * - `too-large`: neither, since a record is too large for its topic. The redriver has to take over again;
 * - `taken-over`: neither, since another redrive has taken over.
 */
export type Redriven = 'redriven' | 'too-large' | 'taken-over';

/** Writes redriven commands, and remembers which dead letters were redriven. */
export interface Redriver {
  /** Takes over from any other redrive. That one can finish nothing more. */
  takeOver(): Promise<void>;
  /** The marks of redriven dead letters, by page and partition. */
  marks(pages: readonly number[]): Promise<readonly PageMarks[]>;
  /** The number of partitions of each topic. Topics that do not exist are left out. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Writes the records and the marks, all of them or none. */
  redrive(records: readonly Publication[], commits: readonly PageCommit[]): Promise<Redriven>;
}
