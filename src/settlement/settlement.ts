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
import type { IncomingRecord } from '../contract/record';
import { buildResult, encodeResult, typeOf } from '../contract/result';
import { retryHeaders } from '../contract/retry-headers';
import type { Topics } from '../contract/topics';
import type { Log } from '../observability/log';
import type { Telemetry } from '../observability/telemetry';
import type { BestEffortPublisher, Draft, Publication, Published, Publisher } from './publisher';

/** A command, valid or not, that has come to its end. */
export interface Ended {
  readonly record: IncomingRecord;
  readonly command: Command | InvalidCommand;
  readonly channel: Channel;
  readonly lane: Lane;
  readonly settled: Settled;
  /** Milliseconds since the epoch. */
  readonly completedAtMs: number;
  /** Whether an earlier record of the command brought it to its end. */
  readonly isReplay: boolean;
}

/** A command that goes on to a retry topic. */
export interface ParkedCommand extends Omit<Ended, 'command' | 'isReplay'> {
  readonly command: Command;
  /** 1 for the first retry topic. */
  readonly round: number;
}

/** Outcomes that an operator should see: something did not work, and it was not the command. */
const FAULTS: ReadonlySet<Outcome> = new Set(['failed', 'in-doubt']);

interface Deps {
  readonly topics: Topics;
  readonly results: Publisher;
  readonly deadLetters: Publisher;
  readonly retries: Publisher;
  /** The delays of the retry topics, in the order of the rounds. */
  readonly delays: readonly Delay[];
  readonly replies: BestEffortPublisher;
  readonly telemetry: Telemetry;
  readonly wallMs: () => number;
  readonly log: Log;
  /** Whether debug lines are written at all: making one for every command costs more than all else here. */
  readonly logsAll: boolean;
}

/** Writes down what became of commands: the result first, then the dead letter where there is one; or a retry record. */
export class Settlement {
  constructor(private readonly deps: Deps) {}

  /**
   * Calls `done` once result and dead letter are acknowledged, so that the command's offset may be committed. Every command comes
   * this way: a callback, since promises would be most of what it costs.
   */
  settle(ended: Ended, done: () => void): void {
    this.deps.results.write(new ResultDraft(this, ended, done));
  }

  /** The command's record on the results topic. */
  resultOf({ record, command, channel, settled, completedAtMs, isReplay }: Ended): Publication {
    const result = buildResult({ command, channel, settled, source: sourceOf(record), completedAtMs, isReplay });
    const key = bytesOf(record.key) ?? (command.id === null ? null : Buffer.from(command.id));
    const headers = resultHeaders(record.headers, command.id, settled.outcome);
    return { topic: this.deps.topics.results, key, value: encodeResult(result), headers };
  }

  /** The command's result is written, or cannot be as it is. */
  written(ended: Ended, published: Published, done: () => void): void {
    if (published === 'acknowledged' && !DEAD_LETTERED[ended.settled.outcome]) {
      this.settled(ended);
      done();
    } else void this.writeRest(ended, published, done);
  }

  /**
   * Writes a command to its next retry topic; resolves once that is acknowledged. Never rejects: one that is too large for
   * the topic has failed.
   */
  async park(parked: ParkedCommand): Promise<void> {
    const { topics, delays, retries, telemetry, wallMs } = this.deps;
    const { record, command, channel, settled, round } = parked;
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
    else await new Promise<void>((done) => this.settle({ ...parked, isReplay: false }, done));
  }

  /** The result without what made it too large, where it was; then the dead letter, where there is one. */
  private async writeRest(ended: Ended, published: Published, done: () => void): Promise<void> {
    const { command, settled } = ended;
    if (published !== 'acknowledged') {
      const headers = resultHeaders({}, command.id, settled.outcome);
      await this.publishFirst(this.deps.results, [{ ...this.resultOf(ended), key: null, headers }]);
    }
    if (DEAD_LETTERED[settled.outcome]) await this.writeDeadLetter(ended);
    this.settled(ended);
    done();
  }

  private settled(ended: Ended): void {
    const { telemetry, wallMs } = this.deps;
    const { record, command, channel, lane, settled, isReplay } = ended;
    telemetry.settled(channel, lane, typeOf(command), settled.outcome, wallMs() - record.timestampMs);
    if (isReplay) telemetry.replayed(channel);
    this.report(ended);
    this.reply(ended);
  }

  private report({ record, settled }: Ended): void {
    const { log, logsAll } = this.deps;
    const { outcome, attempts, httpStatus } = settled;
    const isFault = FAULTS.has(outcome);
    if (!isFault && !logsAll) return;
    log(isFault ? 'warn' : 'debug', 'settled', { ...sourceOf(record), outcome, attempts, httpStatus });
  }

  private async writeDeadLetter({ record, settled }: Ended): Promise<void> {
    const { deadLetters, topics } = this.deps;
    const cause = causeOf(record, settled);
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
   * Publishes the first of these that is not too large for the topic. Where even the last is, the topic takes nothing of
   * ours: the command stays unsettled, and nothing is lost.
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

  /** Request/reply is a convenience: a failure is counted and holds nothing up. */
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

/** One object for each command that waits for its batch. */
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
    this.settlement.written(this.ended, how, this.done);
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
