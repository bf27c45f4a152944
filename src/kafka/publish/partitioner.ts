import type { ICustomPartitioner } from 'kafkajs';

const SEED = 0x9747b28c;
/** Mixing constant of murmur2. */
const M = 0x5bd1e995;

/**
 * Kafka's 32-bit murmur2 (org.apache.kafka.common.utils.Utils). Every client hashes keys with it, so all producers
 * write a key to the same partition. kafkajs has it too, in BigInt arithmetic at twenty times the cost.
 */
function murmur2(data: Uint8Array): number {
  const { length } = data;
  const at = (index: number): number => data[index] ?? 0;
  const tail = length & ~3;
  let h = SEED ^ length;
  for (let i = 0; i < tail; i += 4) {
    const k = Math.imul(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24), M);
    h = Math.imul(h, M) ^ Math.imul(k ^ (k >>> 24), M);
  }
  if (tail < length) h = Math.imul(h ^ (at(tail) | (at(tail + 1) << 8) | (at(tail + 2) << 16)), M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

/**
 * The partition that a record names, else the partition of its key. Records without key take turns. The partition is
 * written into the message.
 */
export const partitioner: ICustomPartitioner = () => {
  let turn = 0;
  return ({ partitionMetadata: { length }, message }) => {
    const { key } = message;
    message.partition ??= key === null || key === undefined ? turn++ % length : placeOf(key) % length;
    return message.partition;
  };
};

function placeOf(key: Buffer | string): number {
  return murmur2(typeof key === 'string' ? Buffer.from(key) : key) & 0x7fffffff;
}
