import { Injectable } from '@nestjs/common';
import type { IncomingRecord } from '../contract/record';
import { systemClock } from '../dispatch/clock';
import { Dispatcher } from '../dispatch/dispatcher';
import { Intake } from '../dispatch/intake';
import type { Job } from '../dispatch/job';
import type { JobSource } from '../dispatch/job-source';
import type { CommandSender, Decoded, Ending, Outcomes, SendCommand } from '../dispatch/ports';
import type { Settled } from '../contract/outcome';
import { CommandConsumers } from '../kafka/group/command-consumers';
import type { AcceptUnreadable } from '../kafka/partitions/assigned-partition';
import type { RecordSink } from '../kafka/partitions/assigned-partitions';
import { type Ended, Settlement } from '../settlement/settlement';
import { ApiAlarms } from './api-alarms';
import { HandlerSender } from './handler-sender';

/**
 * The way of one command through the parts of the service. Read this first. Each method is a step in which one part
 * hands the command to the next. A part does not know the others.
 *
 *     read → decoded → admitted → claimed → sent → answered → settled → released
 *
 * | the command is | by | and goes on through |
 * |---|---|---|
 * | read | `AssignedPartition.take` | `accept` |
 * | decoded | `Intake.accept` | `add`; a record that is no command goes through `refuse` |
 * | admitted | `Dispatcher.pump`: limits, slots, circuit, keys | `Claims.admit` |
 * | claimed | `SettledStore.claim` | `send` |
 * | sent | `MessagesController.send`, one HTTP call | its result, to `Dispatcher` |
 * | answered | `FollowUps.after`: it ends, waits, or goes to a retry topic | `settle` or `park` |
 * | settled | `Settlement.publish`: result, dead letter | `done` |
 * | released | `AssignedPartition.settled`: ledger, then commit | its offset |
 */
@Injectable()
export class CommandFlow implements RecordSink, Decoded, CommandSender, Outcomes {
  constructor(
    consumers: CommandConsumers,
    private readonly intake: Intake,
    private readonly dispatcher: Dispatcher,
    private readonly sender: HandlerSender,
    private readonly settlement: Settlement,
    alarms: ApiAlarms,
  ) {
    consumers.connect(this);
    intake.connect(this);
    dispatcher.connect(this, alarms);
  }

  /** Read → decoded. */
  accept(record: IncomingRecord, value: Buffer | null, source: JobSource): void {
    this.intake.accept(record, value, source);
  }

  /** Read → settled: a batch of which no record can be read has come to its end, as one command that is none. */
  acceptUnreadable(...[record, batch, done]: Parameters<AcceptUnreadable>): void {
    this.intake.acceptUnreadable(record, batch, batch.why, done);
  }

  /** Decoded → admitted: it waits in the queues of its partition until it is chosen. */
  add(job: Job): void {
    this.dispatcher.add(job);
  }

  /** Decoded → settled: a record that is no command ends here. */
  refuse(ended: Ended, done: () => void): void {
    this.settlement.publish(ended, done);
  }

  /** A batch has been read: commands that may leave now are admitted and claimed. */
  accepted(): void {
    this.dispatcher.pump();
  }

  /** Claimed → sent → answered: one call, and its result. */
  send(...call: Parameters<SendCommand>): ReturnType<SendCommand> {
    return this.sender.send(...call);
  }

  /** Answered → settled → released: `done` releases its offset. */
  settle(job: Job, ending: Ending, done: () => void): void {
    this.settlement.publish({ ...placeOf(job), ...ending }, done);
  }

  /** Answered → to the retry topic of `round`. It is read again from there. */
  park(job: Job, settled: Settled, round: number): Promise<void> {
    return this.settlement.sendToRetryTopic({ ...placeOf(job), settled, round, completedAtMs: systemClock.wallMs() });
  }

  /** A partition was assigned: its commands get queues of their own. */
  openPartition(): JobSource['queues'] {
    return this.dispatcher.openPartition();
  }

  /** A partition was lost: only its commands on the wire go on. */
  discard(source: JobSource): void {
    this.dispatcher.discard(source);
  }

  /** Nothing more is sent. Resolves once all commands on the wire are settled and released. */
  async drain(): Promise<void> {
    await Promise.all([this.dispatcher.drain(), this.intake.drain()]);
  }

  /** The API keys have changed. `isCurrent` says whether a key is still in use. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    this.dispatcher.keysChanged(isCurrent);
  }
}

function placeOf({ origin, command, channel, lane }: Job) {
  return { record: origin, command, channel, lane };
}
