import type { Channel, Delivery } from '../contract/channels';

/** At most `count` calls per `periodMs`, with up to `burst` at once: in any window w at most count / periodMs × w + burst. */
export interface RateLimit {
  readonly count: number;
  readonly periodMs: number;
  readonly burst: number;
}

/** The limits of one channel; null where there is none. */
export interface ChannelLimits {
  readonly channel: RateLimit | null;
  readonly workspace: RateLimit | null;
  readonly recipient: RateLimit | null;
}

export interface KafkaConfig {
  readonly brokers: readonly string[];
  /** Completed by the replica id, so that a broker's logs tell replicas apart. */
  readonly clientId: string;
  /** Prefix of the consumer groups: `<groupId>.<topic>`. */
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  /** null for a plain connection; PEM texts otherwise. */
  readonly ssl: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
  readonly topicPrefix: string;
  readonly channels: readonly Channel[];
  readonly createTopics: boolean;
  /** Least time between two commits of one consumer. */
  readonly commitIntervalMs: number;
  /** Restarts of a crashed consumer within ten minutes before the process gives up. */
  readonly maxConsumerRestarts: number;
  /** One attempt to publish a batch of results. */
  readonly publishTimeoutMs: number;
}

/** What may be held in memory between Kafka and the API, all partitions of a replica together. */
interface IntakeConfig {
  readonly maxCommands: number;
  readonly maxBytes: number;
}

/** How long a command waits on a retry topic, and how that topic's name ends. */
export interface Delay {
  /** As it was written: `1m`. */
  readonly name: string;
  readonly delayMs: number;
}

/** Workspace id → key of the Messages API. */
export type WorkspaceKeys = Readonly<Record<string, string>>;

export interface MessagesApiConfig {
  readonly url: string;
  /** Of every workspace that has none of its own. */
  readonly key: string;
  readonly workspaceKeys: WorkspaceKeys;
  /** Files that the keys came from, which may change; null where there is none. */
  readonly keyFile: string | null;
  readonly workspaceKeysFile: string | null;
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
}

interface DispatchConfig {
  readonly maxInFlight: number;
  readonly limits: Readonly<Record<Channel, ChannelLimits>>;
  readonly retry: {
    readonly maxAttempts: number;
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    readonly retryAfterMaxMs: number;
  };
  /** One retry topic for each, in the order of the rounds. */
  readonly retryTopicDelays: readonly Delay[];
  readonly defaultDelivery: Delivery;
}

/** Where settled commands are remembered. */
interface SettledConfig {
  /** null: in memory. */
  readonly redisUrl: string | null;
  readonly ttlMs: number;
  /** Commands remembered in memory. */
  readonly maxCommands: number;
}

/** The whole configuration: read once at start, deeply frozen. */
export interface Config {
  readonly replicaId: string;
  readonly kafka: KafkaConfig;
  readonly intake: IntakeConfig;
  readonly messagesApi: MessagesApiConfig;
  readonly dispatch: DispatchConfig;
  readonly settled: SettledConfig;
  readonly http: { readonly port: number };
  readonly shutdownTimeoutMs: number;
  readonly log: {
    readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
    readonly format: 'json' | 'pretty';
  };
}
