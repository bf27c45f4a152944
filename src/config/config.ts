import type { Channel, Delivery } from '../contract/channels';

/**
 * At most `count` calls per `periodMs`, up to `burst` of them at once: in any window of w ms, at most
 * count / periodMs × w + burst calls.
 */
export interface RateLimit {
  readonly count: number;
  readonly periodMs: number;
  readonly burst: number;
}

/** The limits of one channel; null for no limit. */
export interface ChannelLimits {
  readonly channel: RateLimit | null;
  readonly workspace: RateLimit | null;
  readonly recipient: RateLimit | null;
}

export interface KafkaConfig {
  readonly brokers: readonly string[];
  /** It ends in the replica id, so that a broker's logs tell replicas apart. */
  readonly clientId: string;
  /** Prefix of the consumer groups: `<groupId>.<topic>`. */
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  /** PEM texts; null for a connection without TLS. */
  readonly ssl: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
  readonly topicPrefix: string;
  readonly channels: readonly Channel[];
  readonly createTopics: boolean;
  /** Largest batch of records after it is decompressed. */
  readonly maxBatchBytes: number;
  /** Shortest time between two commits of one consumer. */
  readonly commitIntervalMs: number;
  /** Most restarts of a crashed consumer within ten minutes. After that the process gives up. */
  readonly maxConsumerRestarts: number;
  /**
   * Most commands of one command topic that are answered and not recorded; beyond it nothing more of that topic is
   * sent.
   */
  readonly maxUnrecorded: number;
  /** Deadline of one attempt to publish a batch of records. */
  readonly publishTimeoutMs: number;
}

/** What may be held in memory between Kafka and the API, all partitions of a replica together. */
interface IntakeConfig {
  readonly maxCommands: number;
  readonly maxBytes: number;
}

/** How long a command waits on a retry topic. */
export interface Delay {
  /** As written in the setting, such as `1m`. The topic's name ends in it. */
  readonly name: string;
  readonly delayMs: number;
}

/** Workspace id → key of the Messages API. */
export type WorkspaceKeys = Readonly<Record<string, string>>;

export interface MessagesApiConfig {
  readonly url: string;
  /** For every workspace without a key of its own. */
  readonly key: string;
  readonly workspaceKeys: WorkspaceKeys;
  /** Paths of the files with the keys, which may change; null if the keys came from no file. */
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
  /** One retry topic for each delay, in the order of the rounds. */
  readonly retryTopicDelays: readonly Delay[];
  readonly defaultDelivery: Delivery;
}

/** Where settled commands are remembered. */
interface SettledConfig {
  /** null: in memory. */
  readonly redisUrl: string | null;
  readonly ttlMs: number;
  /** Most commands that the store in memory remembers. */
  readonly maxCommands: number;
}

/** The whole configuration. It is read once at the start and is deeply frozen. */
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
