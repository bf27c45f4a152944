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
import { DEAD_LETTERED, type Outcome, type Result, type Settled } from '../contract/outcome';
import type { IncomingRecord } from '../contract/record';
import { buildResult, encodeResult } from '../contract/result';
import type { Topics } from '../contract/topics';
import type { Telemetry } from '../observability/telemetry';
import type { BestEffortPublisher, Publication, Publisher } from './publisher';

/** A command, valid or not, that has come to its end. */
export interface Ended {
  readonly record: IncomingRecord;
  readonly command: Command | InvalidCommand;
  readonly channel: Channel;
  readonly lane: Lane;
  readonly settled: Settled;
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
  readonly replies: BestEffortPublisher;
  readonly telemetry: Telemetry;
  readonly wallMs: () => number;
  readonly log: SettlementLog;
  /** Whether debug lines are written at all: making one for every command costs more than all else here. */
  readonly logsAll: boolean;
}

/** Writes down how commands ended: the result first, then the dead letter where there is one. */
export class Settlement {
  constructor(private readonly deps: Deps) {}

  /** Resolves once result and dead letter are acknowledged, so that the command's offset may be committed. Never rejects. */
  async settle(ended: Ended): Promise<void> {
    const { topics, results, telemetry, wallMs } = this.deps;
    const { record, command, channel, lane, settled } = ended;
    const completedAtMs = wallMs();
    const source = { topic: record.topic, partition: record.partition, offset: String(record.offset) };
    const result = buildResult({ command, channel, settled, source, completedAtMs });
    const value = encodeResult(result);
    const key = bytesOf(record.key) ?? (command.id === null ? null : Buffer.from(command.id));
    const headers = resultHeaders(record.headers, command.id, settled.outcome);
    const topic = topics.results;
    const bareHeaders = resultHeaders({}, command.id, settled.outcome);
    await this.publishFirst(results, [
      { topic, key, value, headers },
      { topic, key: null, value, headers: bareHeaders },
    ]);
    if (DEAD_LETTERED[settled.outcome]) await this.writeDeadLetter(ended, { ...settled, source });
    telemetry.settled(channel, lane, result.type, settled.outcome, completedAtMs - record.timestampMs);
    this.report(result);
    void this.reply(record, value);
  }

  private report({ outcome, attempts, httpStatus, source }: Result): void {
    const { log, logsAll } = this.deps;
    const isFault = FAULTS.has(outcome);
    if (isFault || logsAll) log(isFault ? 'warn' : 'debug', 'settled', { ...source, outcome, attempts, httpStatus });
  }

  private async writeDeadLetter({ record }: Ended, from: Settled & Pick<DeadLetterCause, 'source'>): Promise<void> {
    const { deadLetters, topics } = this.deps;
    const { source, outcome, attempts, response } = from;
    const cause = { source, timestamp: String(record.timestampMs), outcome, error: response.error, attempts };
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
  private async reply(record: IncomingRecord, value: string): Promise<void> {
    const target = replyTarget(record.headers);
    if (target === null) return;
    const { replies, topics, telemetry } = this.deps;
    const { topic, partition } = target;
    const headers = replyHeaders(target);
    const isSent =
      !topics.includes(topic) &&
      (await replies.tryPublish({ topic, key: null, value, headers, ...(partition === null ? {} : { partition }) }));
    if (isSent) return;
    telemetry.replyFailed();
    const { topic: source, offset } = record;
    this.deps.log('warn', 'a reply was not sent', { source, partition: record.partition, offset });
  }
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'latin1');
}
