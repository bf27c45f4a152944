import type { Delay } from '../config/config';
import type { Channel, Lane } from '../contract/channels';
import type { Command, InvalidCommand } from '../contract/command';
import {
  deadLetterHeaders,
  type DeadLetterCause,
  replyHeaders,
  replyTarget,
  resultHeaders,
  truncatedDeadLetterHeaders,
} from '../contract/headers';
import { DEAD_LETTERED, type Outcome, type Settled, type Source } from '../contract/outcome';
import type { IncomingRecord, OffsetRange } from '../contract/record';
import { buildResult, encodeResult, typeOf } from '../contract/result';
import { retryHeaders } from '../contract/retry-headers';
import type { Topics } from '../contract/topics';
import type { Log } from '../observability/log';
import type { Telemetry } from '../observability/telemetry';
import type { BestEffortPublisher, Draft, Publication, Published, Publisher } from './publisher';

/** A command, valid or not, that is settled. */
export interface Ended {
  readonly record: IncomingRecord;
  readonly command: Command | InvalidCommand;
  readonly channel: Channel;
  readonly lane: Lane;
  readonly settled: Settled;
  /** Milliseconds since the epoch. */
  readonly completedAtMs: number;
  /** Whether an earlier record of the command settled it. */
  readonly isReplay: boolean;
  /** For a batch of records that could not be read: its offsets. */
  readonly batch?: OffsetRange;
}

/** A command that goes to a retry topic. */
export interface RetriedCommand extends Omit<Ended, 'command' | 'isReplay'> {
  readonly command: Command;
  /** 1 for the first retry topic. */
  readonly round: number;
}

/** Outcomes that an operator should see: the fault is not in the command. */
const FAULTS: ReadonlySet<Outcome> = new Set(['failed', 'in-doubt']);

interface Deps {
  readonly topics: Topics;
  readonly results: Publisher;
  readonly deadLetters: Publisher;
  readonly retries: Pick<Publisher, 'publish'>;
  /** The delays of the retry topics, in the order of the rounds. */
  readonly delays: readonly Delay[];
  readonly replies: BestEffortPublisher;
  readonly telemetry: Telemetry;
  readonly wallMs: () => number;
  readonly log: Log;
  /** Whether debug lines are written. Building one for every command would cost more than everything else here. */
  readonly logsAll: boolean;
}

/** Publishes outcomes: the result, then the dead letter if the outcome has one. Or it publishes a retry record. */
export class Settlement {
  constructor(private readonly deps: Deps) {}

  /**
   * Publishes a command's result and dead letter. Calls `done` once they are acknowledged: the command's offset is done
   * then. It takes a callback since it is called for every command: a promise would be most of its cost.
   */
  publish(ended: Ended, done: () => void): void {
    this.deps.results.write(new ResultDraft(this, ended, done));
  }

  /** The command's record on the results topic. */
  resultOf({ record, command, channel, settled, completedAtMs, isReplay }: Ended): Publication {
    const result = buildResult({ command, channel, settled, source: sourceOf(record), completedAtMs, isReplay });
    const key = bytesOf(record.key) ?? (command.id === null ? null : Buffer.from(command.id));
    const headers = resultHeaders(record.headers, command.id, settled.outcome);
    return { topic: this.deps.topics.results, key, value: encodeResult(result), headers };
  }

  /** Called when the result is acknowledged, or is too large for its topic. */
  resultPublished(ended: Ended, published: Published, done: () => void): void {
    if (published === 'acknowledged' && !DEAD_LETTERED[ended.settled.outcome]) {
      this.report(ended);
      done();
    } else void this.publishRest(ended, published, done);
  }

  /**
   * Publishes a command to the retry topic of its round. Resolves once that is acknowledged. Never rejects: if the
   * command is too large for the topic, its outcome in `settled` is published instead.
   */
  async sendToRetryTopic(retried: RetriedCommand): Promise<void> {
    const { topics, delays, retries, telemetry, wallMs } = this.deps;
    const { record, command, channel, settled, round } = retried;
    const delay = delays[round - 1];
    if (delay === undefined) throw new Error(`there is no retry topic for round ${round}`);
    const cause = causeOf(record, settled);
    const dueAtMs = wallMs() + delay.delayMs;
    const published = await retries.publish({
      topic: topics.retry(channel, delay.name),
      key: bytesOf(record.key) ?? Buffer.from(command.recipient),
      value: bytesOf(record.value),
      headers: retryHeaders(record.headers, { ...cause, round, dueAtMs, hasOwnKey: record.key !== null }),
    });
    if (published === 'acknowledged') telemetry.sentToRetryTopic(channel);
    else await new Promise<void>((done) => this.publish({ ...retried, isReplay: false }, done));
  }

  /** Publishes a smaller result if the first one was too large, then the dead letter if the outcome has one. */
  private async publishRest(ended: Ended, published: Published, done: () => void): Promise<void> {
    const { command, settled } = ended;
    if (published !== 'acknowledged') {
      const headers = resultHeaders({}, command.id, settled.outcome);
      await this.publishFirst(this.deps.results, [{ ...this.resultOf(ended), key: null, headers }]);
    }
    if (DEAD_LETTERED[settled.outcome]) await this.publishDeadLetter(ended);
    this.report(ended);
    done();
  }

  private report(ended: Ended): void {
    const { telemetry, wallMs } = this.deps;
    const { record, command, channel, lane, settled, isReplay } = ended;
    telemetry.settled(channel, lane, typeOf(command), settled.outcome, wallMs() - record.timestampMs);
    if (isReplay) telemetry.replayed(channel);
    this.logFault(ended);
    this.reply(ended);
  }

  private logFault({ record, settled }: Ended): void {
    const { log, logsAll } = this.deps;
    const { outcome, attempts, httpStatus } = settled;
    const isFault = FAULTS.has(outcome);
    if (!isFault && !logsAll) return;
    log(isFault ? 'warn' : 'debug', 'settled', { ...sourceOf(record), outcome, attempts, httpStatus });
  }

  private async publishDeadLetter({ record, settled, batch }: Ended): Promise<void> {
    const { deadLetters, topics } = this.deps;
    const cause = { ...causeOf(record, settled), ...(batch !== undefined && { batch }) };
    const topic = topics.deadLetters;
    const key = bytesOf(record.key);
    const value = bytesOf(record.value);
    const headers = truncatedDeadLetterHeaders(cause);
    await this.publishFirst(deadLetters, [
      { topic, key, value, headers: deadLetterHeaders(record.headers, cause) },
      { topic, key, value: null, headers },
      { topic, key: null, value: null, headers },
    ]);
  }

  /**
   * Publishes the first of these that is not too large for the topic. If even the last one is too large, this never
   * resolves: the command's offset is never done, so that nothing is lost.
   */
  private async publishFirst(publisher: Publisher, publications: readonly Publication[]): Promise<void> {
    for (const publication of publications) {
      if ((await publisher.publish(publication)) === 'acknowledged') return;
    }
    const topic = publications[0]?.topic;
    this.deps.log('warn', 'a topic refuses even the smallest record: raise its max.message.bytes and restart', {
      topic,
    });
    await new Promise<never>(() => undefined);
  }

  /** Replies are a convenience: a failure is counted, and nothing waits for it. */
  private reply(ended: Ended): void {
    const { record } = ended;
    const target = replyTarget(record.headers);
    if (target === null) return;
    const { replies, topics } = this.deps;
    const { topic, partition } = target;
    if (topics.includes(topic)) {
      this.replyFailed(record);
      return;
    }
    const headers = replyHeaders(target);
    const { value } = this.resultOf(ended);
    void replies
      .tryPublish({ topic, key: null, value, headers, ...(partition === null ? {} : { partition }) })
      .then((isSent) => {
        if (!isSent) this.replyFailed(record);
      });
  }

  private replyFailed({ topic: source, partition, offset }: IncomingRecord): void {
    this.deps.telemetry.replyFailed();
    this.deps.log('warn', 'a reply was not sent', { source, partition, offset });
  }
}

/** One of these exists for each command that waits for its batch. */
class ResultDraft implements Draft {
  constructor(
    private readonly settlement: Settlement,
    private readonly ended: Ended,
    private readonly done: () => void,
  ) {}

  toRecord(): Publication {
    return this.settlement.resultOf(this.ended);
  }

  published(how: Published): void {
    this.settlement.resultPublished(this.ended, how, this.done);
  }
}

function sourceOf({ topic, partition, offset }: IncomingRecord): Source {
  return { topic, partition, offset: String(offset) };
}

function causeOf(record: IncomingRecord, { outcome, response, attempts }: Settled): DeadLetterCause {
  const timestamp = String(record.timestampMs);
  return { source: sourceOf(record), timestamp, outcome, error: response.error, attempts };
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'latin1');
}
