import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin, Kafka, Producer, RecordMetadata } from 'kafkajs';
import type { Redriven, Redriver } from '../../dead-letters/ports';
import type { PageCommit, PageMarks } from '../../dead-letters/redrive-marks';
import type { Publication } from '../../settlement/publisher';
import { readCommitted } from '../partitions/committed-offsets';
import { withinDeadline } from './deadline';
import { isOfType, TOO_LARGE } from '../client/errors';
import { partitioner } from '../publish/partitioner';
import { byTopic, outgoing } from '../publish/producing';

/**
 * A transaction that a killed process has left open stops the readers of the command topics for this long, unless the
 * next redrive ends it earlier.
 */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** The commits of a transaction's group may be visible a moment after the transaction has ended. */
const MARKS_SETTLE_MS = 250;
/**
 * Kafka answers the end of a transaction before it is done. Until it is, the next transaction is refused for the
 * moment.
 */
const RETRY = { retries: 8, initialRetryTime: 20, maxRetryTime: 2_000 };
/** How many groups are asked for their marks at the same time. */
const GROUPS_AT_ONCE = 8;

/** In kafkajs 2.2.4's versions of these requests, PRODUCER_FENCED appears as INVALID_PRODUCER_EPOCH. */
const TAKEN_OVER: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING']);
/** Refusals of a transaction's end: another redrive has taken the transactional id, or is about to get it. */
const CUT_OFF: ReadonlySet<string> = new Set([...TAKEN_OVER, 'CONCURRENT_TRANSACTIONS']);

interface Deps {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly deadLetters: string;
}

/**
 * Writes commands back to their topics, and in the same transaction marks them as redriven. Both happen or neither,
 * even if the process or Kafka dies. All redrives use one transactional id, so a later redrive fences an earlier one.
 *
 * The marks are the metadata of committed offsets. kafkajs 2.2.4 passes the argument of `sendOffsets` to the request
 * unchanged, metadata included (producer/eosManager, requests/txnOffsetCommit), although its types do not say so.
 */
export class TransactionalRedriver implements Redriver {
  private readonly admin: Admin;
  private producer: Producer | null = null;
  private isAdminConnected = false;

  constructor(private readonly deps: Deps) {
    this.admin = deps.kafka.admin();
  }

  /** @throws KafkaAway, or Kafka's error if the transactional id may not be used */
  async takeOver(): Promise<void> {
    await withinDeadline(this.renew(), 'starting a transaction');
    await sleep(MARKS_SETTLE_MS);
  }

  async marks(pages: readonly number[]): Promise<readonly PageMarks[]> {
    await this.connectAdmin();
    const marks: PageMarks[] = [];
    for (let at = 0; at < pages.length; at += GROUPS_AT_ONCE) {
      const asked = pages.slice(at, at + GROUPS_AT_ONCE).map((page) => this.marksOf(page));
      marks.push(...(await withinDeadline(Promise.all(asked), 'reading what was redriven')).flat());
    }
    return marks;
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    await this.connectAdmin();
    const doing = 'asking for the command topics';
    const existing = new Set(await withinDeadline(this.admin.listTopics(), doing));
    const wanted = topics.filter((topic) => existing.has(topic));
    if (wanted.length === 0) return new Map();
    const metadata = await withinDeadline(this.admin.fetchTopicMetadata({ topics: wanted }), doing);
    return new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]));
  }

  /** @throws KafkaAway, or Kafka's error. The marks then tell the next redrive whether the batch was written. */
  redrive(records: readonly Publication[], commits: readonly PageCommit[]): Promise<Redriven> {
    return withinDeadline(this.transact(records, commits), 'redriving a batch');
  }

  private async transact(records: readonly Publication[], commits: readonly PageCommit[]): Promise<Redriven> {
    if (this.producer === null) throw new Error('a redrive takes over before it writes');
    const transaction = await this.producer.transaction();
    let isEnding = false;
    try {
      const topicMessages = byTopic(records.map(outgoing));
      refuseDropped(records, await transaction.sendBatch({ acks: -1, topicMessages }));
      for (const { page, partitions } of commits) {
        const topics = [{ topic: this.deps.deadLetters, partitions: [...partitions] }];
        await transaction.sendOffsets({ consumerGroupId: this.groupOf(page), topics });
      }
      isEnding = true;
      await transaction.commit();
      return 'redriven';
    } catch (error) {
      // If another redrive has cut this one off, the error may be of any type. Only the refusal of the transaction's
      // end has the true type. kafkajs permits one end, so there is no abort after a commit.
      const refusal: unknown = isEnding ? error : await transaction.abort().catch((reason: unknown) => reason);
      if (isOfType(error, TAKEN_OVER) || isOfType(refusal, CUT_OFF)) return 'taken-over';
      if (isOfType(error, TOO_LARGE)) return 'too-large';
      throw error;
    }
  }

  private async renew(): Promise<void> {
    await this.producer?.disconnect();
    this.producer = this.deps.kafka.producer({
      transactionalId: `${this.deps.groupId}.redrive`,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      allowAutoTopicCreation: false,
      retry: RETRY,
      createPartitioner: partitioner,
    });
    await this.producer.connect();
    // The first transaction fences all other producers with this id. The brokers end the transactions that those left
    // open.
    const transaction = await this.producer.transaction();
    await transaction.abort();
  }

  private async marksOf(page: number): Promise<PageMarks[]> {
    const { deadLetters } = this.deps;
    const groupId = this.groupOf(page);
    const committed = [...(await readCommitted(this.admin, groupId, [deadLetters])).values()];
    for (const { partition, fault } of committed) {
      if (fault === null) continue;
      throw new Error(
        `what the consumer group ${groupId} has committed for ${deadLetters}/${partition} ${fault}: without it ` +
          'letters would be redriven twice. Use the release that wrote it, or delete the group: then nothing of it ' +
          'counts as redriven',
      );
    }
    return committed.map(({ partition, done }) => ({ partition, done }));
  }

  private groupOf(page: number): string {
    return `${this.deps.groupId}.${this.deps.deadLetters}.redrive.${page}`;
  }

  private async connectAdmin(): Promise<void> {
    if (this.isAdminConnected) return;
    await withinDeadline(this.admin.connect(), 'connecting');
    this.isAdminConnected = true;
  }
}

/** kafkajs silently drops records for a partition that it does not know yet. */
function refuseDropped(records: readonly Publication[], written: readonly RecordMetadata[]): void {
  const places = new Set(written.map(({ topicName, partition }) => `${topicName}/${partition}`));
  for (const { topic, partition } of records) {
    if (places.has(`${topic}/${partition}`)) continue;
    throw new Error(`${topic}/${partition} is not known to all brokers yet`);
  }
}
