import type { OutgoingRecord } from '../contract/record';

/** A record with the topic it goes to; the partition is the producer's choice unless given. */
export interface Publication extends OutgoingRecord {
  readonly topic: string;
  readonly partition?: number;
}

/** How a publication ended. Passing faults never end it: those are tried again for as long as it takes. */
export type Published = 'acknowledged' | 'too-large';

/**
 * A record to be, of which nothing is put together before its batch is: until then only what it is made of is kept. A record
 * waits for longer than most of what a command needs lives.
 */
export interface Draft {
  /** Asked when its batch is put together, and again with the next one where it does not fit; always the same. */
  toRecord(): Publication;
  published(how: Published): void;
}

/** Writes records so that they survive: `acknowledged` means by all in-sync replicas. */
export interface Publisher {
  write(draft: Draft): void;
  publish(record: Publication): Promise<Published>;
}

/** Writes a record once; resolves to whether it was acknowledged. */
export interface BestEffortPublisher {
  tryPublish(record: Publication): Promise<boolean>;
}
