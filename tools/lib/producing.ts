import type { Producer, Transaction } from 'kafkajs';

/** A record for a topic. It names its partition, so that its offset is known once it is written. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer | string | null;
}

/** The place of a written record. */
export interface Written {
  readonly record: OutgoingRecord;
  readonly offset: bigint;
  /** The record's timestamp (CreateTime), in milliseconds since the epoch. */
  readonly atMs: number;
}

/** Partitions of every topic here. The service creates topics with the same number. */
export const PARTITIONS = 8;

const ACKS_ALL = -1;

/** The partition of a key: FNV-1a, evenly spread, the same in every run. */
export function partitionOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % PARTITIONS;
}

/** Writes records in one request, in order within a partition, and returns the place of each. */
export async function produce(
  producer: Producer | Transaction,
  records: readonly OutgoingRecord[],
): Promise<Written[]> {
  const atMs = Date.now();
  const timestamp = String(atMs);
  const byTopic = Map.groupBy(records, ({ topic }) => topic);
  const answers = await producer.sendBatch({
    acks: ACKS_ALL,
    topicMessages: [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      messages: ofTopic.map(({ partition, key, value }) => ({ partition, key, value, timestamp })),
    })),
  });
  const next = new Map(
    answers.map(({ topicName, partition, baseOffset }) => [`${topicName}/${partition}`, BigInt(baseOffset ?? 0)]),
  );
  return records.map((record) => {
    const place = `${record.topic}/${record.partition}`;
    const offset = next.get(place);
    if (offset === undefined) throw new Error(`no offset was told for ${place}`);
    next.set(place, offset + 1n);
    return { record, offset, atMs };
  });
}
