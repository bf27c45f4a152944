/** Names one partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}
