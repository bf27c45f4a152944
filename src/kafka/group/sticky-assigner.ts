import { AssignerProtocol, type GroupMember, type PartitionAssigner } from 'kafkajs';
import type { TopicPartition } from '../partitions/topic-partition';
import { assignSticky, type Member } from './sticky-assignment';

/** Part of the group protocol: it must mean the same to all members. */
const NAME = 'messages-dispatcher-sticky';
const VERSION = 1;

/** Makes one number of topic index and partition. No topic has as many partitions as this. */
const PARTITIONS_PER_TOPIC = 2 ** 20;

/**
 * A kafkajs assigner that leaves partitions where they are, as far as an even spread permits. Each member names its
 * partitions in the user data of its subscription. Offer it beside the standard assigner: the group uses that one while
 * one of its members does not know this one.
 *
 * @param topics the same, in the same order, for all members. If they differ, as during a change of configuration, more
 *   partitions move than necessary; nothing else happens
 * @param owned the partitions of this member at the moment that it joins
 */
export function stickyAssigner(topics: readonly string[], owned: () => readonly TopicPartition[]): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: (subscription) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics: subscription.topics,
        userData: encodeOwned(owned().map(({ topic, partition }) => toSlot(topics.indexOf(topic), partition))),
      }),
    }),
    assign: ({ members }) => {
      const slots = topics.flatMap((topic, index) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => toSlot(index, partitionId)),
      );
      const assignment = assignSticky(
        members.map(toMember),
        slots.toSorted((a, b) => a - b),
      );
      return Promise.resolve(
        [...assignment].map(([memberId, own]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: byTopic(topics, own),
            userData: Buffer.alloc(0),
          }),
        })),
      );
    },
  });
}

function toSlot(topicIndex: number, partition: number): number {
  return topicIndex * PARTITIONS_PER_TOPIC + partition;
}

function byTopic(topics: readonly string[], slots: readonly number[]): Record<string, number[]> {
  const assignment: Record<string, number[]> = {};
  for (const slot of slots) {
    const topic = topics[Math.floor(slot / PARTITIONS_PER_TOPIC)];
    if (topic !== undefined) (assignment[topic] ??= []).push(slot % PARTITIONS_PER_TOPIC);
  }
  return assignment;
}

function toMember({ memberId, memberMetadata }: GroupMember): Member {
  const userData = AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData;
  return { memberId, owned: decodeOwned(userData ?? Buffer.alloc(0)) };
}

function encodeOwned(owned: readonly number[]): Buffer {
  const buffer = Buffer.alloc(owned.length * 4);
  owned.forEach((partition, index) => buffer.writeInt32BE(partition, index * 4));
  return buffer;
}

/** Bytes that make no whole number are ignored. */
function decodeOwned(buffer: Buffer): number[] {
  return Array.from({ length: buffer.length >> 2 }, (_, index) => buffer.readInt32BE(index * 4));
}
