import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka, KafkaJSError, KafkaJSProtocolError } from 'kafkajs';
import type { IncomingRecord } from '../../contract/record';
import type { DeadLetterRecords, PartitionBounds } from '../../dead-letters/ports';
import { KAFKA_DEADLINE_MS, KafkaAway, withinDeadline } from './deadline';
import { OneAtATime } from '../batches/one-at-a-time';
import { type FetchedBytes, piecesOf } from '../batches/pieces';
import type { FetchedRecord } from '../batches/records';
import { fetchedOf, readOldEntry } from '../kafkajs-patches/fetched-batches';
import { type Cluster, createCluster, READ_COMMITTED } from '../kafkajs-patches/internal-cluster';

/** Kafka's numbers for the two ends of a partition. They are sent in place of a time. */
const EARLIEST = -2;
const LATEST = -1;
/** The replica id of a request by a consumer. */
const CONSUMER = -1;
/** Limit of one fetch. A larger record still comes whole. */
const FETCH_BYTES = 8 * 1024 * 1024;
const FETCH_WAIT_MS = 500;
const RETRY_MS = 250;
/** After so many empty answers in a row, the rest of a partition has no record. */
const MAX_EMPTY_ANSWERS = 2;
const LIMITS = { maxBatchBytes: 64 * 1024 * 1024, large: new OneAtATime(), readOldEntry };

/**
 * Reads a topic from its earliest record to the end that `bounds` found, without a consumer group. It joins no group,
 * commits nothing, leaves nothing behind, and does not wait for records in an empty partition.
 */
export class DeadLetterReader implements DeadLetterRecords {
  private readonly cluster: Cluster;
  private isConnected = false;

  constructor(
    kafka: Kafka,
    private readonly topic: string,
  ) {
    this.cluster = createCluster(kafka);
  }

  /** @throws KafkaAway, or an Error that says what is wrong if the topic does not exist or may not be read */
  async bounds(signal: AbortSignal): Promise<readonly PartitionBounds[]> {
    await this.connect(signal);
    const doing = `asking for the offsets of ${this.topic}`;
    const [first, end] = await withinDeadline(
      Promise.all([this.offsets(EARLIEST), this.offsets(LATEST)]),
      doing,
      signal,
    );
    return [...end.keys()]
      .toSorted((a, b) => a - b)
      .map((partition) => ({ partition, first: first.get(partition) ?? 0, end: end.get(partition) ?? 0 }));
  }

  async *read(bounds: readonly PartitionBounds[], signal: AbortSignal): AsyncGenerator<IncomingRecord> {
    await this.connect(signal);
    for (const each of bounds) yield* this.readPartition(each, signal);
  }

  private async *readPartition({ partition, first, end }: PartitionBounds, signal: AbortSignal) {
    let offset = first;
    let emptyAnswers = 0;
    while (offset < end) {
      const fetched = await this.fetch(partition, offset, signal);
      if (fetched === 'gone') {
        // Retention has removed the next records.
        const earliest = (await withinDeadline(this.offsets(EARLIEST), 'asking for offsets', signal)).get(partition);
        offset = Math.max(offset + 1, earliest ?? end);
        continue;
      }
      let after: number | null = null;
      for await (const piece of piecesOf(fetched, LIMITS)) {
        if (piece.kind === 'passed') after = piece.next;
        if (piece.kind === 'unreadable') after = piece.batch.lastOffset + 1;
        if (piece.kind !== 'records') continue;
        for (const record of piece.records) {
          if (record.offset >= end) return;
          yield toRecord(this.topic, partition, record);
        }
      }
      if (after === null && ++emptyAnswers >= MAX_EMPTY_ANSWERS) return;
      if (after === null) continue;
      emptyAnswers = 0;
      offset = Math.max(offset + 1, after);
    }
  }

  /** Tries again if a leader has moved or a connection broke, for up to 15 s: somebody waits at a terminal. */
  private async fetch(partition: number, offset: number, signal: AbortSignal): Promise<FetchedBytes | 'gone'> {
    const startedMs = performance.now();
    for (;;) {
      try {
        return await withinDeadline(this.fetchOnce(partition, offset), `reading ${this.topic}`, signal);
      } catch (error) {
        if (typeOf(error) === 'OFFSET_OUT_OF_RANGE') return 'gone';
        if (!(error instanceof KafkaJSError) || typeOf(error) === 'TOPIC_AUTHORIZATION_FAILED') throw error;
        if (performance.now() - startedMs > KAFKA_DEADLINE_MS) throw new KafkaAway(`reading ${this.topic}`);
      }
      await sleep(RETRY_MS, undefined, { signal });
      await withinDeadline(this.cluster.refreshMetadata(), 'finding the leaders', signal).catch(rethrowUnlessKafkas);
    }
  }

  private async fetchOnce(partition: number, offset: number): Promise<FetchedBytes> {
    const { topic, cluster } = this;
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new KafkaJSError(`${topic}/${partition} has no leader`);
    const broker = await cluster.findBroker({ nodeId });
    const { responses } = await broker.fetch({
      replicaId: CONSUMER,
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }] }],
    });
    const nothing = { partition, highWatermark: String(offset), messages: [] };
    return fetchedOf(responses[0]?.partitions[0] ?? nothing, offset);
  }

  private async connect(signal: AbortSignal): Promise<void> {
    if (this.isConnected) return;
    await withinDeadline(this.cluster.connect(), 'connecting', signal);
    const found = withinDeadline(this.cluster.addTargetTopic(this.topic), `looking for ${this.topic}`, signal);
    await found.catch((error: unknown) => {
      if (typeOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      throw new Error(`there is no topic ${this.topic}: check KAFKA_BROKERS and TOPIC_PREFIX`, { cause: error });
    });
    this.isConnected = true;
  }

  private async offsets(end: typeof EARLIEST | typeof LATEST): Promise<ReadonlyMap<number, number>> {
    const { topic, cluster } = this;
    const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
    const answers = await cluster.fetchTopicsOffset([{ topic, partitions, fromTimestamp: end }]);
    return new Map(
      answers.flatMap((answer) => answer.partitions).map(({ partition, offset }) => [partition, Number(offset)]),
    );
  }
}

function toRecord(topic: string, partition: number, record: FetchedRecord): IncomingRecord {
  const { offset, timestampMs, key, value, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestampMs,
    key: key?.toString('latin1') ?? null,
    value: value?.toString('latin1') ?? null,
    headers,
  };
}

function typeOf(error: unknown): string | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KafkaJSProtocolError) return cause.type;
  }
  return null;
}

function rethrowUnlessKafkas(error: unknown): void {
  if (!(error instanceof KafkaJSError)) throw error;
}
