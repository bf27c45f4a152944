import type { OutgoingRecord } from '../contract/record';

/** A record and its topic. Without `partition` the producer chooses one. */
export interface Publication extends OutgoingRecord {
  readonly topic: string;
  readonly partition?: number;
}

/** How a publication ended. After a temporary fault it is repeated, for as long as that takes. */
export type Published = 'acknowledged' | 'too-large';

/** A record that is built only when its batch is, so that the queue holds no second copy of a command. */
export interface Draft {
  /**
   * Called when its batch is built, and again for the next batch if the record does not fit. Always the same record.
   */
  toRecord(): Publication;
  /** Called once, when the publication has ended. */
  published(how: Published): void;
}

/** Publishes records durably: `acknowledged` means by all in-sync replicas. */
export interface Publisher {
  write(draft: Draft): void;
  publish(record: Publication): Promise<Published>;
}

/** Publishes a record without repeating. Resolves to whether it was acknowledged. */
export interface BestEffortPublisher {
  tryPublish(record: Publication): Promise<boolean>;
}
