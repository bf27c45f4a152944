import type { Node } from 'yallist';
import type { Channel, Delivery, Lane } from '../contract/channels';
import type { Command } from '../contract/command';
import { redriveToken } from '../contract/headers';
import type { MessageResponse, Settled } from '../contract/outcome';
import type { IncomingRecord } from '../contract/record';
import type { Claim } from '../settlement/settled-store';
import type { Circuit } from './api-health/circuit';
import type { Schedulable } from './schedule/queues';
import type { JobSource } from './job-source';

/** One failed call, for the count of attempts. */
interface Failure {
  readonly startedMs: number;
  readonly endedMs: number;
  /** False where it counts as an attempt even if it fell into an outage of the API. */
  readonly excusable: boolean;
}

/** What a command went through before it came back from a retry topic. */
export interface Parked {
  /** The record of the command topic that it was first read from. */
  readonly origin: IncomingRecord;
  /** Rounds on retry topics, this one included. */
  readonly round: number;
  /** Calls made in all rounds so far. */
  readonly attempts: number;
}

/** A valid command on its way from its record to its outcome, and what has happened to it so far. */
export class Job implements Schedulable {
  /** Calls made, over all rounds. */
  calls: number;
  /** Whether a call may have reached the API without a final answer. */
  perhapsSent = false;
  /** When its last call was made, on the monotonic clock. */
  calledAtMs = 0;
  /** Its place among the calls on the wire; null while it has none there. */
  call: Node<Job> | null = null;
  /** Times it was told to wait while others of its workspace were served. */
  timesLimited = 0;
  /** Where its call on the wire counts; null while there is none. */
  circuit: Circuit | null = null;
  /** Status of the last answer; null before the first. */
  httpStatus: number | null = null;
  /** What the API said with its last 403. */
  forbidden: MessageResponse = { id: '', status: '', error: '' };
  /** Set where it is already known how the command ends, before its turn comes. */
  decided: Settled | null = null;
  /** Its failed calls, but for those that are known to be an outage's. */
  failures: Failure[] = [];
  /** Its claim in the store of settled commands, from the first try on; null while it has none. */
  claim: Claim | null = null;
  /** Times in a row that the claim was not to be had. */
  timesHeld = 0;
  /** The record of the command topic: `record`, unless the command comes from a retry topic. */
  readonly origin: IncomingRecord;
  readonly round: number;

  constructor(
    readonly command: Command,
    readonly record: IncomingRecord,
    readonly source: JobSource,
    readonly key: string,
    readonly lane: Lane,
    readonly delivery: Delivery,
    parked: Parked | null = null,
  ) {
    this.calls = parked?.attempts ?? 0;
    this.origin = parked?.origin ?? record;
    this.round = parked?.round ?? 0;
  }

  get channel(): Channel {
    return this.command.operation.channel;
  }

  get workspaceId(): string {
    return this.command.workspaceId;
  }

  get recipient(): string {
    return this.command.recipient;
  }

  /** Which redrive of its dead letter the command comes from; null for none. */
  get redrive(): string | null {
    return redriveToken(this.origin.headers);
  }

  /** Names the ordering key over all partitions. */
  get keyId(): string {
    return `${this.record.topic}/${this.record.partition}/${this.key}`;
  }

  isExpired(wallMs: number): boolean {
    return this.command.expiresAtMs !== null && wallMs > this.command.expiresAtMs;
  }
}
