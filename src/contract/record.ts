import type { Headers } from './headers';

/**
 * A record as it was read. Key and value hold the bytes one to a character (latin1): exact for any bytes, small, and free of
 * the fetch buffer that the bytes came in, which would otherwise stay in memory for as long as one of its records does.
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

/** A record to be written. A null key leaves the partition to the producer. */
export interface OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | string | null;
  readonly headers: Headers;
}
