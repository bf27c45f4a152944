import { type Consumer, type Kafka, type PartitionAssigner, PartitionAssigners } from 'kafkajs';

/** Small, since a fetch is decoded in one go, and answers of the API that arrive meanwhile wait for it. */
const MAX_BYTES_PER_PARTITION = 64 * 1024;
const MAX_BYTES_PER_FETCH = 1024 * 1024;
/** How soon new partitions of a topic are noticed. */
const METADATA_MAX_AGE_MS = 20_000;

interface ConsumerPlan {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long a fetch waits for records at the broker. */
  readonly fetchWaitMs: number;
  readonly assigner: PartitionAssigner;
}

/** A kafkajs consumer that waits for its brokers for ever. It does not restart after a crash: the caller does that. */
export function newConsumer(kafka: Kafka, plan: ConsumerPlan): Consumer {
  return kafka.consumer({
    groupId: plan.groupId,
    sessionTimeout: plan.sessionTimeoutMs,
    heartbeatInterval: plan.heartbeatIntervalMs,
    maxWaitTimeInMs: plan.fetchWaitMs,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    maxBytes: MAX_BYTES_PER_FETCH,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    allowAutoTopicCreation: false,
    // Members of other programs know round robin. If one of them is in the group, all members agree on that.
    partitionAssigners: [plan.assigner, PartitionAssigners.roundRobin],
    retry: {
      retries: Number.MAX_SAFE_INTEGER,
      initialRetryTime: 100,
      maxRetryTime: 2_000,
      restartOnFailure: async () => false,
    },
  });
}
