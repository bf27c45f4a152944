import type { EachBatchPayload, Kafka } from 'kafkajs';
import { type Limits, type Piece, piecesOf } from '../batches/pieces';
import { fetchedBytes } from '../kafkajs-patches/fetched-batches';
import type { OffsetsToCommit } from '../partitions/committer';
import { newConsumer } from './new-consumer';
import type { TopicPartition } from '../partitions/topic-partition';
import { stickyAssigner } from './sticky-assigner';

/** What one fetch has brought of one partition. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: number;
  /** In the order of offsets, unpacked as they are asked for. */
  readonly pieces: () => AsyncIterable<Piece>;
  /** The next fetch begins after this offset. */
  readonly resolveOffset: (offset: string) => void;
  /** Commits once, in the generation that the member is in when it is called. Rejects if the group refuses it. */
  readonly commitOffsetsIfNecessary: (offsets: OffsetsToCommit) => Promise<void>;
}

export type Assignment = Readonly<Record<string, readonly number[]>>;

/** Events of one client's membership, and the batches that it fetches. They are called in order. */
export interface GroupEvents {
  joined(memberId: string, assignment: Assignment): void;
  heartbeatAnswered(): void;
  rebalancing(): void;
  /** The client is out of its group for good, and does nothing more. */
  crashed(error: unknown): void;
  /** The next fetch begins when the promise resolves. */
  take(batch: FetchedBatch): Promise<void>;
}

/** The settings and listeners of one client. */
export interface GroupPlan {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long a fetch waits for records at the broker. */
  readonly fetchWaitMs: number;
  /** The member's partitions at the moment that it joins. The assigner leaves as many of them with it as it can. */
  readonly owned: () => readonly TopicPartition[];
  readonly events: GroupEvents;
}

interface Partitions {
  readonly topic: string;
  readonly partitions: number[];
}

/** One member of a group. */
export interface GroupClient {
  /** Joins the group, and reads until it is disconnected or crashes. Rejects if it cannot begin. */
  start(): Promise<void>;
  pause(partitions: readonly Partitions[]): void;
  resume(partitions: readonly Partitions[]): void;
  /** Commits. If Kafka is away, repeats the commit, in the generation that the member is in at that moment. */
  commitOffsets(offsets: OffsetsToCommit): Promise<void>;
  /** Leaves the group. */
  disconnect(): Promise<void>;
}

export type NewGroupClient = (plan: GroupPlan) => GroupClient;

/** Makes a kafkajs consumer for each plan. */
export function groupClients(kafka: Kafka, limits: Limits): NewGroupClient {
  return ({ topics, owned, events, ...plan }) => {
    const consumer = newConsumer(kafka, { ...plan, assigner: stickyAssigner([...topics], owned) });
    const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
    consumer.on(HEARTBEAT, () => events.heartbeatAnswered());
    consumer.on(GROUP_JOIN, ({ payload }) => events.joined(payload.memberId, payload.memberAssignment));
    consumer.on(REBALANCING, () => events.rebalancing());
    consumer.on(CRASH, ({ payload }) => events.crashed(payload.error));
    return {
      async start() {
        await consumer.connect();
        await consumer.subscribe({ topics: [...topics], fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          eachBatch: (payload) => events.take(toFetched(payload, limits)),
        });
      },
      pause: (partitions) => consumer.pause([...partitions]),
      resume: (partitions) => consumer.resume([...partitions]),
      commitOffsets: (offsets) =>
        consumer.commitOffsets(
          offsets.topics.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each }))),
        ),
      disconnect: () => consumer.disconnect(),
    };
  };
}

function toFetched(payload: EachBatchPayload, limits: Limits): FetchedBatch {
  const { topic, partition } = payload.batch;
  const fetched = fetchedBytes(payload.batch);
  return {
    topic,
    partition,
    highWatermark: fetched.highWatermark,
    pieces: () => piecesOf(fetched, limits),
    resolveOffset: (offset) => payload.resolveOffset(offset),
    commitOffsetsIfNecessary: (offsets) => payload.commitOffsetsIfNecessary(offsets),
  };
}
