interface CommittedPartition {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string | null;
}

/** Questions about a group and its topics. The asker need not be a member. kafkajs' Admin implements it. */
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
