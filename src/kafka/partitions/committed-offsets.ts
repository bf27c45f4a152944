import type { Admin } from 'kafkajs';
import { decodeMetadata, type Ownership } from '../../offsets/commit-metadata';

/** What the group has committed for one partition. */
export interface Committed {
  readonly partition: number;
  /** null where nothing was ever committed. */
  readonly offset: number | null;
  /** Offsets beyond it that are done. */
  readonly done: readonly number[];
  readonly ownership: Ownership;
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
 * Reads a group's commits of some topics, by `partitionKey`. Metadata that is not ours, damaged or of a newer release is left
 * aside: the commands it spoke of are sent again rather than lost.
 *
 * @throws KafkaJSError where the coordinator cannot be asked, and Unanswered where nothing was answered for a topic: kafkajs leaves out
 *   those whose metadata it happens not to have, which would read as "nothing was ever committed".
 */
export async function readCommitted(
  admin: Admin,
  groupId: string,
  topics: readonly string[],
  onIgnored: (topic: string, partition: number, reason: string) => void,
): Promise<Map<string, Committed>> {
  const answers = await admin.fetchOffsets({ groupId, topics: [...topics] });
  const missing = topics.find(
    (topic) => !answers.some((answer) => answer.topic === topic && answer.partitions.length > 0),
  );
  if (missing !== undefined) throw new Unanswered(`the commits of ${missing} were not answered`);
  return new Map(
    answers.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset, metadata }) => [
        partitionKey(topic, partition),
        toCommitted(partition, Number(offset), metadata, (reason) => onIgnored(topic, partition, reason)),
      ]),
    ),
  );
}

function toCommitted(
  partition: number,
  offset: number,
  metadata: string | null,
  onIgnored: (reason: string) => void,
): Committed {
  if (offset < 0) return { partition, offset: null, done: [], ownership: UNOWNED };
  const decoded = decodeMetadata(metadata, offset);
  if (decoded.ok) return { partition, offset, done: decoded.done, ownership: decoded.ownership };
  onIgnored(decoded.reason);
  return { partition, offset, done: [], ownership: UNOWNED };
}
