import { type Consumer, type Kafka, type PartitionAssigner, PartitionAssigners } from 'kafkajs';

/** Small, since what a fetch brings is decoded in one go, and calls that end meanwhile wait for it. */
const MAX_BYTES_PER_PARTITION = 64 * 1024;
const MAX_BYTES_PER_FETCH = 1024 * 1024;

interface ConsumerPlan {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long a fetch waits for records at the broker. */
  readonly fetchWaitMs: number;
  readonly assigner: PartitionAssigner;
}

/** A consumer of kafkajs that waits for its brokers for ever, and whose crashes are left to the caller. */
export function newConsumer(kafka: Kafka, plan: ConsumerPlan): Consumer {
  return kafka.consumer({
    groupId: plan.groupId,
    sessionTimeout: plan.sessionTimeoutMs,
    heartbeatInterval: plan.heartbeatIntervalMs,
    maxWaitTimeInMs: plan.fetchWaitMs,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    maxBytes: MAX_BYTES_PER_FETCH,
    allowAutoTopicCreation: false,
    // Round robin is what members of other programs know: with one of them in the group that is what all agree on.
    partitionAssigners: [plan.assigner, PartitionAssigners.roundRobin],
    retry: {
      retries: Number.MAX_SAFE_INTEGER,
      initialRetryTime: 100,
      maxRetryTime: 2_000,
      restartOnFailure: async () => false,
    },
  });
}
