import type { Channel, Delivery, Lane } from '../contract/channels';
import type { Command } from '../contract/command';
import type { Settled } from '../contract/outcome';
import type { IncomingRecord } from '../contract/record';
import type { Schedulable } from './scheduler';
import type { JobSource } from './job-source';

/** One failed call, for the count of attempts. */
interface Failure {
  readonly startedMs: number;
  readonly endedMs: number;
  /** False where it counts as an attempt even if it fell into an outage of the API. */
  readonly excusable: boolean;
}

/** A valid command on its way from its record to its outcome, and what has happened to it so far. */
export class Job implements Schedulable {
  /** Calls made. */
  calls = 0;
  /** Whether a call may have reached the API without a final answer. */
  perhapsSent = false;
  /** Times it was told to wait while others of its workspace were served. */
  timesLimited = 0;
  /** Status of the last answer; null before the first. */
  httpStatus: number | null = null;
  /** Set where it is already known how the command ends, before its turn comes. */
  decided: Settled | null = null;
  readonly failures: Failure[] = [];

  constructor(
    readonly command: Command,
    readonly record: IncomingRecord,
    readonly source: JobSource,
    readonly key: string,
    readonly lane: Lane,
    readonly delivery: Delivery,
  ) {}

  get channel(): Channel {
    return this.command.operation.channel;
  }

  get workspaceId(): string {
    return this.command.workspaceId;
  }

  get recipient(): string {
    return this.command.recipient;
  }

  /** Names the ordering key over all partitions. */
  get keyId(): string {
    return `${this.record.topic}/${this.record.partition}/${this.key}`;
  }

  isExpired(wallMs: number): boolean {
    return this.command.expiresAtMs !== null && wallMs > this.command.expiresAtMs;
  }
}
