import type { SecurityProtocol } from './broker-properties.ts';

/** Where a development Kafka comes from: `KAFKA_BROKERS`, Docker, or Java on this machine. */
export type KafkaKind = 'existing' | 'docker' | 'java';

/**
 * Listeners with security, and their users. Only Java's brokers can have them: containers have no files of this
 * machine.
 */
export interface Security {
  /** By name. The plain listener stays as well. */
  readonly listeners: Readonly<Record<string, SecurityProtocol>>;
  /** The cluster knows them from its first start, with both SCRAM mechanisms. */
  readonly scramUsers: Readonly<Record<string, string>>;
}

/** A Kafka to develop, test and measure against. A broker's index is its place in {@link DevKafka.brokers}, from 0. */
export interface DevKafka {
  /** `host:port` of every broker. They stay the same when brokers restart. */
  readonly brokers: readonly string[];
  /** `host:port` of every broker, by the name of its listener in {@link Security}. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly kind: KafkaKind;
  /** False for an existing Kafka: then the five broker methods below reject. */
  readonly canControl: boolean;
  /**
   * Ends all brokers and removes their data. Does nothing to an existing Kafka. May be called again, and at any time.
   */
  stop(): Promise<void>;
  /** Sends the signal; resolves when the broker has ended. Its data stay. */
  killBroker(index: number, signal?: KillSignal): Promise<void>;
  /**
   * Shuts the broker down in order, and sends SIGKILL after 10 s: without a quorum a broker never ends by itself. Its
   * data stay.
   */
  stopBroker(index: number): Promise<void>;
  /** Starts an ended broker on its old port and data; resolves when it is ready. */
  startBroker(index: number): Promise<void>;
  /** Freezes the broker: connections stay open, but nothing is answered. */
  pauseBroker(index: number): Promise<void>;
  /** Lets a frozen broker go on. */
  resumeBroker(index: number): Promise<void>;
}

/** The signals of {@link DevKafka.killBroker}. Both end a broker. */
export type KillSignal = 'SIGKILL' | 'SIGTERM';

/** Gets a line if a step takes more than two seconds, or if a broker ends without being asked to. */
export type Log = (line: string) => void;

/** Options for every way of running brokers. */
export interface LaunchPlan {
  readonly brokerCount: 1 | 3;
  /** The JVM starts faster, but never reaches its top speed. */
  readonly fastStart: boolean;
  /** Broker properties; they replace the usual ones or add to them. */
  readonly properties: Readonly<Record<string, string>>;
  readonly security: Security;
  /** The project's folder. */
  readonly root: string;
  /** The folder for the data of Java's brokers. */
  readonly temporaryFolder: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Brokers that have been started, but may not be ready yet. */
export interface Fleet {
  readonly brokers: readonly Broker[];
  /** Ends every broker and removes all data. */
  remove(): Promise<void>;
}

/** One broker of a {@link Fleet}. */
export interface Broker {
  /** `host:port` for clients. */
  readonly address: string;
  /** The same for other listeners, by their names. */
  readonly listeners: Readonly<Record<string, string>>;
  /** Why it ended without being asked to; undefined if it did not. */
  fault(): string | undefined;
  start(): Promise<void>;
  kill(signal: KillSignal): Promise<void>;
  stop(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Time between SIGTERM and SIGKILL, in seconds. */
export const STOP_GRACE_S = 10;
