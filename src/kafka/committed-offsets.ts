import type { Admin } from 'kafkajs';
import { decodeMetadata, type Ownership } from '../dispatch/commit-metadata';

/** What the group has committed for one partition. */
export interface Committed {
  /** null where nothing was ever committed. */
  readonly offset: number | null;
  /** Offsets beyond it that are done. */
  readonly done: readonly number[];
  readonly ownership: Ownership;
}

const UNOWNED: Ownership = { owner: null, state: 'released' };

/**
 * Reads a group's commits of one topic, by partition. Metadata that is not ours, damaged or of a newer release is left
 * aside: the commands it spoke of are sent again rather than lost.
 *
 * @throws KafkaJSError where the coordinator cannot be asked.
 */
export async function readCommitted(
  admin: Admin,
  groupId: string,
  topic: string,
  onIgnored: (partition: number, reason: string) => void,
): Promise<Map<number, Committed>> {
  const answers = await admin.fetchOffsets({ groupId, topics: [topic] });
  const partitions = answers.find((answer) => answer.topic === topic)?.partitions ?? [];
  return new Map(
    partitions.map(({ partition, offset, metadata }) => [
      partition,
      toCommitted(Number(offset), metadata, (reason) => onIgnored(partition, reason)),
    ]),
  );
}

function toCommitted(offset: number, metadata: string | null, onIgnored: (reason: string) => void): Committed {
  if (offset < 0) return { offset: null, done: [], ownership: UNOWNED };
  const decoded = decodeMetadata(metadata, offset);
  if (decoded.ok) return { offset, done: decoded.done, ownership: decoded.ownership };
  onIgnored(decoded.reason);
  return { offset, done: [], ownership: UNOWNED };
}
