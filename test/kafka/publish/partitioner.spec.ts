import fc from 'fast-check';
import { type Message, type PartitionMetadata, Partitioners } from 'kafkajs';
import { partitioner } from '../../../src/kafka/publish/partitioner';

const topic = 'results';

function metadata(partitions: number): PartitionMetadata[] {
  return Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }));
}

describe('the partitioner', () => {
  it('gives every key the same partition as kafkajs, and so as Java', () => {
    const stock = Partitioners.DefaultPartitioner();
    const own = partitioner();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 64 }), (bytes, partitions) => {
        const args = { topic, partitionMetadata: metadata(partitions) };
        const message: Message = { key: Buffer.from(bytes), value: null };
        const place = stock({ ...args, message });
        expect(own({ ...args, message })).toBe(place);
        expect(message.partition).toBe(place);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes the partition that a record names, and spreads records without a key', () => {
    const own = partitioner();
    const place = (message: Message): number => own({ topic, partitionMetadata: metadata(3), message });
    expect(place({ key: 'k', value: null, partition: 2 })).toBe(2);
    expect([1, 2, 3, 4].map(() => place({ key: null, value: null }))).toEqual([0, 1, 2, 0]);
  });
});
