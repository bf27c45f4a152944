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
import { DEAD_LETTERED, type Outcome, type Result, type Settled, type Source } from '../contract/outcome';
import type { IncomingRecord } from '../contract/record';
import { buildResult, encodeResult } from '../contract/result';
import { retryHeaders } from '../contract/retry-headers';
import type { Topics } from '../contract/topics';
import type { Telemetry } from '../observability/telemetry';
import type { BestEffortPublisher, Publication, Published, Publisher } from './publisher';

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

/** Writes a line about one settled command; the fields place it and never hold content. */
export type SettlementLog = (
  level: 'debug' | 'warn',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

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
  readonly log: SettlementLog;
  /** Whether debug lines are written at all: making one for every command costs more than all else here. */
  readonly logsAll: boolean;
}

/** Writes down what became of commands: the result first, then the dead letter where there is one; or a retry record. */
export class Settlement {
  constructor(private readonly deps: Deps) {}

  /** Resolves once result and dead letter are acknowledged, so that the command's offset may be committed. Never rejects. */
  settle(ended: Ended): Promise<void> {
    const { topics, results } = this.deps;
    const { record, command, channel, settled, completedAtMs, isReplay } = ended;
    const result = buildResult({ command, channel, settled, source: sourceOf(record), completedAtMs, isReplay });
    const value = encodeResult(result);
    const key = bytesOf(record.key) ?? (command.id === null ? null : Buffer.from(command.id));
    const headers = resultHeaders(record.headers, command.id, settled.outcome);
    // Every command comes this way, and nearly all end here: no more promises than it takes.
    return results.publish({ topic: topics.results, key, value, headers }).then((published) => {
      if (published === 'acknowledged' && !DEAD_LETTERED[settled.outcome]) return this.settled(ended, result, value);
      return this.writeRest(ended, published, value).then(() => this.settled(ended, result, value));
    });
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
    if (published === 'acknowledged') telemetry.parked(channel);
    else await this.settle({ ...parked, isReplay: false });
  }

  /** The result without what made it too large, where it was; then the dead letter, where there is one. */
  private async writeRest(ended: Ended, published: Published, value: string): Promise<void> {
    const { topics, results } = this.deps;
    const { command, settled } = ended;
    if (published !== 'acknowledged') {
      const headers = resultHeaders({}, command.id, settled.outcome);
      await this.publishFirst(results, [{ topic: topics.results, key: null, value, headers }]);
    }
    if (DEAD_LETTERED[settled.outcome]) await this.writeDeadLetter(ended);
  }

  private settled({ record, channel, lane, settled, isReplay }: Ended, result: Result, value: string): void {
    const { telemetry, wallMs } = this.deps;
    telemetry.settled(channel, lane, result.type, settled.outcome, wallMs() - record.timestampMs);
    if (isReplay) telemetry.replayed(channel);
    this.report(result);
    this.reply(record, value);
  }

  private report({ outcome, attempts, httpStatus, source }: Result): void {
    const { log, logsAll } = this.deps;
    const isFault = FAULTS.has(outcome);
    if (isFault || logsAll) log(isFault ? 'warn' : 'debug', 'settled', { ...source, outcome, attempts, httpStatus });
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
  private reply(record: IncomingRecord, value: string): void {
    const target = replyTarget(record.headers);
    if (target === null) return;
    const { replies, topics } = this.deps;
    const { topic, partition } = target;
    if (topics.includes(topic)) {
      this.replyFailed(record);
      return;
    }
    const headers = replyHeaders(target);
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
