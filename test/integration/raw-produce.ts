import { once } from 'node:events';
import { connect } from 'node:net';
import type { Admin } from 'kafkajs';

/** Of the Kafka protocol. */
const PRODUCE = 0;
const VERSION = 7;
const ALL_REPLICAS = -1;
const TIMEOUT_MS = 60_000;

/**
 * Writes batches as they are to a partition's leader, without a producer: whatever Kafka itself accepts. Resolves once
 * they are acknowledged, and rejects where they are refused.
 */
export async function produceRaw(admin: Admin, topic: string, partition: number, batches: Buffer): Promise<void> {
  const [{ partitions } = { partitions: [] }] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
  const leader = partitions.find(({ partitionId }) => partitionId === partition)?.leader;
  const broker = (await admin.describeCluster()).brokers.find(({ nodeId }) => nodeId === leader);
  if (broker === undefined) throw new Error(`${topic}/${partition} has no leader`);
  const socket = connect(broker.port, broker.host);
  try {
    socket.write(sized(produceRequest(topic, partition, batches)));
    const answer = await readAnswer(socket);
    // Correlation id, one topic and its name, one partition and its number.
    const errorCode = answer.readInt16BE(4 + 4 + 2 + Buffer.byteLength(topic) + 4 + 4);
    if (errorCode !== 0) throw new Error(`Kafka refuses the batch: error ${errorCode}`);
  } finally {
    socket.destroy();
  }
}

async function readAnswer(socket: ReturnType<typeof connect>): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk]);
  }
  return bytes.subarray(4);
}

function produceRequest(topic: string, partition: number, batches: Buffer): Buffer {
  return Buffer.concat([
    int(2, PRODUCE),
    int(2, VERSION),
    int(4, 1),
    text('raw'),
    int(2, -1),
    int(2, ALL_REPLICAS),
    int(4, TIMEOUT_MS),
    int(4, 1),
    text(topic),
    int(4, 1),
    int(4, partition),
    sized(batches),
  ]);
}

function int(bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

function text(value: string): Buffer {
  return Buffer.concat([int(2, Buffer.byteLength(value)), Buffer.from(value)]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([int(4, bytes.length), bytes]);
}
