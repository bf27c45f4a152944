import { AssignerProtocol, type GroupMember, type PartitionAssigner } from 'kafkajs';
import { assignSticky, type Member } from './sticky-assignment';

/** Part of the group protocol: all members must mean the same by it. */
const NAME = 'messages-dispatcher-sticky';
const VERSION = 1;

/**
 * A kafkajs assigner of one topic that leaves partitions where they are, as far as an even spread permits. Each member
 * tells what it has in the user data of its subscription. To be offered beside the standard one, which a group falls back
 * to for as long as one of its members does not know this one.
 *
 * @param owned what this member has at the moment that it joins
 */
export function stickyAssigner(topic: string, owned: () => readonly number[]): PartitionAssigner {
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: encodeOwned(owned()),
      }),
    }),
    assign: ({ members }) => {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      const assignment = assignSticky(
        members.map(toMember),
        partitions.toSorted((a, b) => a - b),
      );
      return Promise.resolve(
        [...assignment].map(([memberId, own]) => ({
          memberId,
          memberAssignment: AssignerProtocol.MemberAssignment.encode({
            version: VERSION,
            assignment: { [topic]: own },
            userData: Buffer.alloc(0),
          }),
        })),
      );
    },
  });
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

/** What is left over after whole numbers is ignored: it is nobody's partition. */
function decodeOwned(buffer: Buffer): number[] {
  return Array.from({ length: buffer.length >> 2 }, (_, index) => buffer.readInt32BE(index * 4));
}
