import { decodeMetadata, type DecodedMetadata, type Ownership } from '../../offsets/commit-metadata';
import type { GroupReader } from './group-reader';

/** Whose a partition is, by what the group has committed for it; null for a member that a newer release alone can name. */
export type CommittedOwnership = Ownership | null;

/** What the group has committed for one partition. */
export interface Committed {
  readonly partition: number;
  /** null where nothing was ever committed. */
  readonly offset: number | null;
  /** Offsets beyond it that are done, as far as that could be read. */
  readonly done: readonly number[];
  readonly ownership: CommittedOwnership;
  /** Why its metadata could not be read, for the log; null where it could. */
  readonly fault: string | null;
}

/** An answer that leaves out what was asked for, to be asked again. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

const UNOWNED: Ownership = { owner: null, state: 'released' };

/** Names a partition among those of several topics. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/**
 * Reads a group's commits of some topics, by `partitionKey`. Where metadata is not ours, damaged or of a newer release, what
 * it says is done is left aside: those commands are sent again rather than lost.
 *
 * @throws KafkaJSError where the coordinator cannot be asked, and Unanswered where nothing was answered for a topic: kafkajs
 *   leaves out those whose metadata it happens not to have, which would read as "nothing was ever committed".
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
