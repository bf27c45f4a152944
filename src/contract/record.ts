import type { Headers } from './headers';

/**
 * A record as it was read. Key and value are latin1 strings, one character for each byte: exact for any bytes, and
 * small. A view of the fetch buffer would keep the whole buffer in memory for as long as one of its records.
 */
export interface IncomingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Headers;
}

/** Offsets from the first to the last, both included. */
export interface OffsetRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** A record to be written. With a null key the producer chooses the partition. */
export interface OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | string | null;
  readonly headers: Headers;
}
