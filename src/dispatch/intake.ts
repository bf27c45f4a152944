import type { Delivery } from '../contract/channels';
import type { InvalidCommand } from '../contract/command';
import { decodeCommand } from '../contract/decode';
import type { IncomingRecord } from '../contract/record';
import { settledAsInvalid } from '../contract/result';
import type { CommandTopic } from '../contract/topics';
import type { Ended } from '../settlement/settlement';
import { Job } from './job';
import type { JobSource } from './job-source';

interface Deps {
  readonly topics: readonly CommandTopic[];
  readonly defaultDelivery: Delivery;
  readonly add: (job: Job) => void;
  readonly settle: (ended: Ended) => Promise<void>;
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
    const decoded = decodeCommand(value, topic.channel);
    if (!decoded.ok) {
      this.refuse(record, decoded.invalid, topic, source);
      return;
    }
    const { command } = decoded;
    if (command.delivery === 'at-most-once') {
      const { id, workspaceId, operation } = command;
      const violations = [
        'delivery: at-most-once needs a settled-command store that outlives the process, which this service is not configured with',
      ];
      this.refuse(record, { id, type: operation.type, workspaceId, violations }, topic, source);
      return;
    }
    const key = record.key ?? command.recipient;
    this.deps.add(new Job(command, record, source, key, topic.lane, command.delivery ?? this.deps.defaultDelivery));
  }

  /** Resolves once what is invalid so far is settled. */
  async drain(): Promise<void> {
    await Promise.all(this.refusals);
  }

  private refuse(record: IncomingRecord, command: InvalidCommand, topic: CommandTopic, source: JobSource): void {
    const { channel, lane } = topic;
    const settled = settledAsInvalid(command);
    const refusal = this.deps.settle({ record, command, channel, lane, settled }).then(() => {
      source.settled(record);
      this.refusals.delete(refusal);
    });
    this.refusals.add(refusal);
  }
}
