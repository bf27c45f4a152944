import type { IncomingRecord } from '../contract/record';
import type { Publication } from '../settlement/publisher';
import type { PageCommit, PageMarks } from './redrive-marks';

/** What a partition holds: offsets from `first` up to, and without, `end`. */
export interface PartitionBounds {
  readonly partition: number;
  readonly first: number;
  readonly end: number;
}

/** The topic of dead letters, to be read. */
export interface DeadLetterLog {
  /** What every partition holds now, in their order. */
  bounds(signal: AbortSignal): Promise<readonly PartitionBounds[]>;
  /** The records within bounds, one partition after another, each in order. Rejects with the signal's reason. */
  read(bounds: readonly PartitionBounds[], signal: AbortSignal): AsyncIterable<IncomingRecord>;
}

/**
 * How a batch ended: written and marked; neither, because a record is too large for its topic, after which the redriver has
 * to take over anew; or neither, because another redrive has taken over.
 */
export type Redriven = 'redriven' | 'too-large' | 'taken-over';

/** Where dead letters are redriven to, and what remembers them. */
export interface Redriver {
  /** Takes over from any other redrive: what that one has not finished by now, it never will. */
  takeOver(): Promise<void>;
  /** What is marked as redriven, by page and partition. */
  marks(pages: readonly number[]): Promise<readonly PageMarks[]>;
  /** How many partitions each of these topics has; topics that do not exist are left out. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Writes the records and the marks, all of them or none. */
  redrive(records: readonly Publication[], commits: readonly PageCommit[]): Promise<Redriven>;
}
