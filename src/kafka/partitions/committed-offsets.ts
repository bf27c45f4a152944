import { decodeMetadata, type DecodedMetadata, type Ownership } from '../../offsets/commit-metadata';
import type { GroupReader } from './group-reader';

/** Who owns a partition, by the group's commit for it. Null: only a newer release can read who. */
export type CommittedOwnership = Ownership | null;

/** What the group has committed for one partition. */
export interface Committed {
  readonly partition: number;
  /** Null if nothing was ever committed. */
  readonly offset: number | null;
  /** Offsets above `offset` that are done. Empty if the metadata could not be read. */
  readonly done: readonly number[];
  readonly ownership: CommittedOwnership;
  /** Why the metadata could not be read, for the log; null if it could. */
  readonly fault: string | null;
}

/** Kafka's answer leaves out something that was asked for. The caller should ask again. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

const UNOWNED: Ownership = { owner: null, state: 'released' };

/** A name for a partition that is unique among the partitions of all topics. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/**
 * Reads a group's commits of some topics, by `partitionKey`. If metadata is damaged, not ours or of a newer release,
 * its done offsets are ignored: those commands are sent again rather than lost.
 *
 * @throws KafkaJSError if the coordinator cannot be asked, and Unanswered if the answer leaves out a topic. kafkajs
 *   leaves out topics whose metadata it does not have at the moment; that must not read as "nothing was ever
 *   committed".
 */
export async function readCommitted(
  reader: Pick<GroupReader, 'fetchOffsets'>,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Committed>> {
  const answers = await reader.fetchOffsets({ groupId, topics: [...topics] });
  const missing = topics.find(
    (topic) => !answers.some((answer) => answer.topic === topic && answer.partitions.length > 0),
  );
  if (missing !== undefined) throw new Unanswered(`the commits of ${missing} were not answered`);
  return new Map(
    answers.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset, metadata }) => [
        partitionKey(topic, partition),
        toCommitted(partition, Number(offset), metadata),
      ]),
    ),
  );
}

function toCommitted(partition: number, offset: number, metadata: string | null): Committed {
  if (offset < 0) return { partition, offset: null, done: [], ownership: UNOWNED, fault: null };
  return { partition, offset, ...readOf(decodeMetadata(metadata, offset)) };
}

function readOf(decoded: DecodedMetadata): Pick<Committed, 'done' | 'ownership' | 'fault'> {
  switch (decoded.kind) {
    case 'ours':
      return { done: decoded.done, ownership: decoded.ownership, fault: null };
    case 'newer':
      return { done: [], ownership: decoded.ownership, fault: decoded.reason };
    case 'foreign':
      return { done: [], ownership: UNOWNED, fault: decoded.reason };
  }
}
