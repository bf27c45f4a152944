import type { OutgoingRecord } from '../contract/record';

/** A record with the topic it goes to; the partition is the producer's choice unless given. */
export interface Publication extends OutgoingRecord {
  readonly topic: string;
  readonly partition?: number;
}

/** How a publication ended. Passing faults never end it: those are tried again for as long as it takes. */
export type Published = 'acknowledged' | 'too-large';

/** Writes records so that they survive: `acknowledged` means by all in-sync replicas. */
export interface Publisher {
  publish(record: Publication): Promise<Published>;
}

/** Writes a record once; resolves to whether it was acknowledged. */
export interface BestEffortPublisher {
  tryPublish(record: Publication): Promise<boolean>;
}
