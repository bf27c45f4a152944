import type { Channel, Lane, MessageType } from '../contract/channels';
import type { Outcome } from '../contract/outcome';

/** Values that are read when the metrics are scraped. */
export interface Gauges {
  inFlight(): number;
  waiting(): number;
  api(): ApiGauges;
  /** 0 while the store of settled commands is away, else 1. */
  settledStoreAvailable(): number;
  commandsInMemory(): number;
  bytesInMemory(): number;
  /** Commands that were answered and are not recorded: one entry per command topic that this replica serves. */
  unrecorded(): Iterable<{ readonly topic: string; readonly commands: number }>;
  /** One entry per partition that this replica reads. */
  partitions(): Iterable<PartitionGauges>;
}

/** The API as dispatch sees it. */
export interface ApiGauges {
  /** Every channel in use fails. */
  readonly isDown: boolean;
  /** One entry per channel that has had a call. */
  readonly channels: readonly ChannelGauges[];
  readonly keysRefused: number;
  readonly workspacesRefused: number;
}

export interface ChannelGauges {
  readonly channel: Channel;
  readonly isOpen: boolean;
  /** Circuits of single workspaces that are open. */
  readonly openWorkspaces: number;
}

export interface PartitionGauges {
  readonly topic: string;
  readonly partition: number;
  readonly paused: boolean;
  /** Nothing more is read: no more done offsets beyond the first open one fit into the commit's metadata. */
  readonly heldBack: boolean;
  /** Number of records that are not committed yet, by the last fetch; null before the first one. */
  readonly lag: number | null;
  /** Age of the oldest done offset that is not committed yet; 0 if all are committed. */
  readonly commitAgeMs: number;
}

/** The flow reports here what happens. Every method is cheap enough to be called for every command. */
export interface Telemetry {
  read(topic: string, records: number): void;
  settled(channel: Channel, lane: Lane, type: MessageType | null, outcome: Outcome, sinceProducedMs: number): void;
  called(channel: Channel, type: MessageType, httpStatus: number | null, durationMs: number): void;
  /** An earlier record of the command had settled it. */
  replayed(channel: Channel): void;
  /** The command was written to a retry topic. */
  sentToRetryTopic(channel: Channel): void;
  retried(channel: Channel, reason: string): void;
  limitWaited(channel: Channel, waitMs: number): void;
  published(topic: string, records: number, durationMs: number): void;
  publishFailed(topic: string): void;
  replyFailed(): void;
  committed(topic: string, durationMs: number): void;
  consumerCrashed(topic: string): void;
  offsetReset(topic: string): void;
  watch(gauges: Gauges): void;
}
