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
 * A transaction that is left open, as by a kill, holds up the readers of the command topics for so long, unless the next
 * redrive ends it before.
 */
const TRANSACTION_TIMEOUT_MS = 10_000;
/** The end of a transaction may show in what its group has committed a moment after it shows in the transaction itself. */
const MARKS_SETTLE_MS = 250;
/** After its answer a transaction is ended in the background, and until then the next one is put off. */
const RETRY = { retries: 8, initialRetryTime: 20, maxRetryTime: 2_000 };
/** Groups that are asked for their marks side by side. */
const GROUPS_AT_ONCE = 8;

/** In the versions of the requests that kafkajs 2.2.4 speaks, PRODUCER_FENCED is told as INVALID_PRODUCER_EPOCH. */
const TAKEN_OVER: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING']);
/** Said to the end of a transaction: another one has the transactional id, or the brokers are about to give it to that. */
const CUT_OFF: ReadonlySet<string> = new Set([...TAKEN_OVER, 'CONCURRENT_TRANSACTIONS']);

interface Deps {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly deadLetters: string;
}

/**
 * Writes commands back to their topics, and in the same transaction the marks that say so: both or neither, whenever the
 * process or Kafka dies. The transactional id is the same for all, so a later redrive fences an earlier one.
 *
 * The marks travel as the metadata of committed offsets. kafkajs 2.2.4 hands `sendOffsets` on to the request as it is,
 * metadata included (producer/eosManager, requests/txnOffsetCommit); only its types do not say so.
 */
export class TransactionalRedriver implements Redriver {
  private readonly admin: Admin;
  private producer: Producer | null = null;
  private isAdminConnected = false;

  constructor(private readonly deps: Deps) {
    this.admin = deps.kafka.admin();
  }

  /** @throws KafkaAway, and what Kafka says where the transactional id may not be used. */
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

  /** @throws KafkaAway, and what Kafka says; whether the batch was written the marks know, and so the next redrive. */
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
      // Cut off by another redrive, a broker may call it any fault; the end of the transaction, of which kafkajs permits one, is
      // refused with the true one.
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
    // The first one fences all others of the id, and the brokers end what those have left open.
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
        `what the consumer group ${groupId} has committed for ${deadLetters}/${partition} ${fault}: without it letters would ` +
          'be redriven twice. Use the release that wrote it, or delete the group: then nothing of it counts as redriven',
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

/** kafkajs drops what is for a partition that it has not heard of yet, without a word. */
function refuseDropped(records: readonly Publication[], written: readonly RecordMetadata[]): void {
  const places = new Set(written.map(({ topicName, partition }) => `${topicName}/${partition}`));
  for (const { topic, partition } of records) {
    if (places.has(`${topic}/${partition}`)) continue;
    throw new Error(`${topic}/${partition} is not known to all brokers yet`);
  }
}
