import { type Channel, type Delivery, LANES } from '../contract/channels';
import type { InvalidCommand } from '../contract/command';
import { decodeCommand } from '../contract/decode';
import type { IncomingRecord, OffsetRange } from '../contract/record';
import { settledAsInvalid } from '../contract/result';
import { readReturned } from '../contract/retry-headers';
import type { CommandTopic } from '../contract/topics';
import { Job, type Parked } from './job';
import type { JobSource } from './job-source';
import type { Decoded } from './ports';

interface Deps {
  readonly topics: readonly CommandTopic[];
  /** The channel of each retry topic that is read. */
  readonly retryTopics: ReadonlyMap<string, Channel>;
  readonly defaultDelivery: Delivery;
  /** Whether what was sent is remembered beyond this process. */
  readonly isStoreDurable: boolean;
  readonly wallMs: () => number;
}

/** Turns records into jobs; what cannot be one is settled as invalid at once, and holds nothing up. */
export class Intake {
  private readonly topics: ReadonlyMap<string, CommandTopic>;
  /** Set by `connect`. */
  private next!: Decoded;
  /** Settlements of invalid commands under way. */
  private readonly refusals = new Set<Promise<void>>();

  constructor(private readonly deps: Deps) {
    this.topics = new Map(deps.topics.map((topic) => [topic.topic, topic]));
  }

  /** Where jobs and refusals go from here. To be called once, before the first record comes. */
  connect(next: Decoded): void {
    this.next = next;
  }

  /**
   * Takes a record of a command topic or a retry topic. One of a retry topic that did not come from here is taken for a
   * command that was produced to the retry topic.
   *
   * @param value the record's value as bytes; may be a view of a larger buffer, and is not kept
   */
  accept(record: IncomingRecord, value: Buffer | null, source: JobSource): void {
    const topic = this.topics.get(record.topic);
    if (topic !== undefined) {
      this.take(record, value, source, topic, null);
      return;
    }
    const channel = this.deps.retryTopics.get(record.topic);
    if (channel === undefined) throw new Error(`${record.topic} is no topic that this replica reads`);
    const returned = readReturned(record);
    const origin = this.topics.get(returned?.origin.topic ?? '') ?? { topic: record.topic, channel, lane: LANES[0] };
    this.take(record, value, source, origin, returned);
  }

  /**
   * A batch of which no record can be read comes to its end as one invalid command.
   *
   * @param record the bytes of the batch, at its first offset
   * @param why completes "it cannot be read: …"
   * @param done called once its outcome is acknowledged
   */
  acceptUnreadable(record: IncomingRecord, batch: OffsetRange, why: string, done: () => void): void {
    const { firstOffset, lastOffset } = batch;
    const channel = this.deps.retryTopics.get(record.topic);
    const topic = this.topics.get(record.topic) ?? (channel && { topic: record.topic, channel, lane: LANES[0] });
    if (topic === undefined) throw new Error(`${record.topic} is no topic that this replica reads`);
    const violations = [`the batch of offsets ${firstOffset} to ${lastOffset} cannot be read: ${why}`];
    this.settle(record, { id: null, type: null, workspaceId: null, violations }, topic, done, batch);
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
    this.next.add(new Job(command, record, source, key, topic.lane, delivery, parked));
  }

  /** Resolves once what is invalid so far is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.refusals);
  }

  private refuse(
    record: IncomingRecord,
    parked: Parked | null,
    command: InvalidCommand,
    topic: CommandTopic,
    source: JobSource,
  ): void {
    this.settle(parked?.origin ?? record, command, topic, () => source.settled(record, null));
  }

  private settle(
    record: IncomingRecord,
    command: InvalidCommand,
    { channel, lane }: CommandTopic,
    done: () => void,
    batch?: OffsetRange,
  ): void {
    const settled = settledAsInvalid(command);
    const completedAtMs = this.deps.wallMs();
    const ended = { record, command, channel, lane, settled, completedAtMs, isReplay: false };
    const { promise: refusal, resolve } = Promise.withResolvers<void>();
    this.next.refuse(batch === undefined ? ended : { ...ended, batch }, () => {
      done();
      this.refusals.delete(refusal);
      resolve();
    });
    this.refusals.add(refusal);
  }
}
