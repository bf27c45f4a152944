import type { Channel, Lane, MessageType } from '../contract/channels';
import type { Outcome } from '../contract/outcome';

/** Values that are asked for when metrics are read, not pushed. */
export interface Gauges {
  inFlight(): number;
  waiting(): number;
  api(): ApiGauges;
  /** 0 where the store of settled commands is away, else 1. */
  settledStoreAvailable(): number;
  heldCommands(): number;
  heldBytes(): number;
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
  /** So much is done beyond its first open command that no more fits the commit's metadata. */
  readonly heldBack: boolean;
  /** Records not yet committed, as far as known; null before the first fetch. */
  readonly lag: number | null;
  /** Age of the oldest completion that is not committed yet; 0 where all are. */
  readonly commitAgeMs: number;
}

/** What the flow reports as it happens. Every method is cheap enough for the path of every command. */
export interface Telemetry {
  read(topic: string, records: number): void;
  settled(channel: Channel, lane: Lane, type: MessageType | null, outcome: Outcome, sinceProducedMs: number): void;
  called(channel: Channel, type: MessageType, httpStatus: number | null, durationMs: number): void;
  /** The command had been settled by an earlier record of it. */
  replayed(channel: Channel): void;
  /** The command went on to a retry topic. */
  parked(channel: Channel): void;
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
