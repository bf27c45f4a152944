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
import type { RecordSink } from '../kafka/partitions/assigned-partitions';
import { type Ended, Settlement } from '../settlement/settlement';
import { ApiAlarms } from './api-alarms';
import { HandlerSender } from './handler-sender';

/**
 * The way of one command, in the order in which it meets the parts. Read this first: each method below is one joint, where
 * one part hands over to the next, and no part knows more than its neighbours.
 *
 *     read → decoded → admitted → claimed → sent → answered → settled → released
 *
 * | the command is | by | and goes on through |
 * |---|---|---|
 * | read | `AssignedPartition.take` | `accept` |
 * | decoded | `Intake.accept` | `add`; what is no command goes through `refuse` |
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

  /** Decoded → admitted: it waits in the queues of its partition until it is chosen. */
  add(job: Job): void {
    this.dispatcher.add(job);
  }

  /** Decoded → settled: what is no command has come to its end. */
  refuse(ended: Ended, done: () => void): void {
    this.settlement.publish(ended, done);
  }

  /** A batch has been read: what may leave now is admitted and claimed. */
  accepted(): void {
    this.dispatcher.pump();
  }

  /** Claimed → sent → answered: one call, and what it came to. */
  send(...call: Parameters<SendCommand>): ReturnType<SendCommand> {
    return this.sender.send(...call);
  }

  /** Answered → settled → released: `done` releases its offset. */
  settle(job: Job, ending: Ending, done: () => void): void {
    this.settlement.publish({ ...placeOf(job), ...ending }, done);
  }

  /** Answered → on to the retry topic of `round`, from which it is read again. */
  park(job: Job, settled: Settled, round: number): Promise<void> {
    return this.settlement.sendToRetryTopic({ ...placeOf(job), settled, round, completedAtMs: systemClock.wallMs() });
  }

  /** A partition was assigned: its commands have queues of their own. */
  openPartition(): JobSource['queues'] {
    return this.dispatcher.openPartition();
  }

  /** A partition was lost: of its commands, only those on the wire go on. */
  discard(source: JobSource): void {
    this.dispatcher.discard(source);
  }

  /** Nothing more is sent; resolves once what is on the wire is settled and released. */
  async drain(): Promise<void> {
    await Promise.all([this.dispatcher.drain(), this.intake.drain()]);
  }

  /** Keys of the API have changed; `isCurrent` tells which are still in use. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    this.dispatcher.keysChanged(isCurrent);
  }
}

function placeOf({ origin, command, channel, lane }: Job) {
  return { record: origin, command, channel, lane };
}
