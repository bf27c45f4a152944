import { type Channel, type Delivery, LANES } from '../contract/channels';
import type { InvalidCommand } from '../contract/command';
import { decodeCommand } from '../contract/decode';
import type { IncomingRecord } from '../contract/record';
import { settledAsInvalid } from '../contract/result';
import { readReturned } from '../contract/retry-headers';
import type { CommandTopic } from '../contract/topics';
import type { Ended } from '../settlement/settlement';
import { Job, type Parked } from './job';
import type { JobSource } from './job-source';

interface Deps {
  readonly topics: readonly CommandTopic[];
  readonly defaultDelivery: Delivery;
  /** Whether what was sent is remembered beyond this process. */
  readonly isStoreDurable: boolean;
  readonly wallMs: () => number;
  readonly add: (job: Job) => void;
  readonly settle: (ended: Ended, done: () => void) => void;
}

/** Turns records into jobs; what cannot be one is settled as invalid at once, and holds nothing up. */
export class Intake {
  private readonly topics: ReadonlyMap<string, CommandTopic>;

  /** Settlements of invalid commands under way. */
  private readonly refusals = new Set<Promise<void>>();

  constructor(private readonly deps: Deps) {
    this.topics = new Map(deps.topics.map((topic) => [topic.topic, topic]));
  }

  /** @param value the record's value as bytes; may be a view of a larger buffer, and is not kept. */
  accept(record: IncomingRecord, value: Buffer | null, source: JobSource): void {
    const topic = this.topics.get(record.topic);
    if (topic === undefined) throw new Error(`${record.topic} is no command topic of this replica`);
    this.take(record, value, source, topic, null);
  }

  /**
   * As `accept`, for a record of a retry topic. One that did not come from here is taken for a command that was produced to
   * the retry topic.
   */
  acceptReturned(record: IncomingRecord, value: Buffer | null, source: JobSource, channel: Channel): void {
    const returned = readReturned(record);
    const topic = this.topics.get(returned?.origin.topic ?? '') ?? { topic: record.topic, channel, lane: LANES[0] };
    this.take(record, value, source, topic, returned);
  }

  private take(
    record: IncomingRecord,
    value: Buffer | null,
    source: JobSource,
    topic: CommandTopic,
    parked: Parked | null,
  ): void {
    const refuse = (invalid: InvalidCommand): void => this.refuse(record, parked, invalid, topic, source);
    const decoded = decodeCommand(value, topic.channel);
    if (!decoded.ok) {
      refuse(decoded.invalid);
      return;
    }
    const { command } = decoded;
    if (command.delivery === 'at-most-once' && !this.deps.isStoreDurable) {
      const { id, workspaceId, operation } = command;
      const violations = [
        'delivery: at-most-once needs a settled-command store that outlives the process, which this service is not configured with',
      ];
      refuse({ id, type: operation.type, workspaceId, violations });
      return;
    }
    const key = record.key ?? command.recipient;
    const delivery = command.delivery ?? this.deps.defaultDelivery;
    this.deps.add(new Job(command, record, source, key, topic.lane, delivery, parked));
  }

  /** Resolves once what is invalid so far is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.refusals);
  }

  private refuse(
    record: IncomingRecord,
    parked: Parked | null,
    command: InvalidCommand,
    { channel, lane }: CommandTopic,
    source: JobSource,
  ): void {
    const settled = settledAsInvalid(command);
    const completedAtMs = this.deps.wallMs();
    const ended = { record: parked?.origin ?? record, command, channel, lane, settled, completedAtMs, isReplay: false };
    const refusal = new Promise<void>((done) => this.deps.settle(ended, done)).then(() => {
      source.settled(record);
      this.refusals.delete(refusal);
    });
    this.refusals.add(refusal);
  }
}
