interface CommittedPartition {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string | null;
}

/** What is asked about a group and its topics, by whoever is in it or not; kafkajs' Admin answers it. */
export interface GroupReader {
  fetchOffsets(asked: {
    groupId: string;
    topics: string[];
  }): Promise<readonly { readonly topic: string; readonly partitions: readonly CommittedPartition[] }[]>;
  fetchTopicOffsets(topic: string): Promise<readonly { readonly partition: number; readonly low: string }[]>;
  describeGroups(groupIds: string[]): Promise<{
    readonly groups: readonly { readonly members: readonly { readonly memberId: string }[] }[];
  }>;
}
