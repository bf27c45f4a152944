import type { SecurityProtocol } from './broker-properties.ts';

/** Where a development Kafka comes from: named by `KAFKA_BROKERS`, run in Docker, or run on this machine's Java. */
export type KafkaKind = 'existing' | 'docker' | 'java';

/** Listeners with security, and who may log on to them: for Java's brokers alone, since Docker's keep no files of this machine. */
export interface Security {
  /** Beside the plain listener, which stays; by name. */
  readonly listeners: Readonly<Record<string, SecurityProtocol>>;
  /** Known to the cluster from its first start, with both SCRAM mechanisms. */
  readonly scramUsers: Readonly<Record<string, string>>;
}

/** A Kafka to develop, test and measure against. Broker indexes start at 0 and are those of {@link DevKafka.brokers}. */
export interface DevKafka {
  /** `host:port` of every broker; they stay the same over broker restarts. */
  readonly brokers: readonly string[];
  /** `host:port` of every broker, by the name of a listener of {@link Security}. */
  readonly listeners: Readonly<Record<string, readonly string[]>>;
  readonly kind: KafkaKind;
  /** False for an existing Kafka: the five broker methods below then reject. */
  readonly canControl: boolean;
  /** Ends all brokers and removes their data; an existing Kafka is left alone. May be called again, and at any time. */
  stop(): Promise<void>;
  /** Sends the signal and resolves once the broker has ended. Its data stay. */
  killBroker(index: number, signal?: KillSignal): Promise<void>;
  /** Orderly shutdown; SIGKILL after 10 s, because a broker without a quorum never ends by itself. Its data stay. */
  stopBroker(index: number): Promise<void>;
  /** Starts an ended broker on its old port and data, and resolves once it is ready. */
  startBroker(index: number): Promise<void>;
  /** Freezes the broker: its connections stay open and unanswered. */
  pauseBroker(index: number): Promise<void>;
  /** Lets a frozen broker go on. */
  resumeBroker(index: number): Promise<void>;
}

/** What {@link DevKafka.killBroker} can send; both end a broker. */
export type KillSignal = 'SIGKILL' | 'SIGTERM';

/** Receives a line about a step that takes more than two seconds, or about a broker that ended unasked. */
export type Log = (line: string) => void;

/** What every way of running brokers needs to know. */
export interface LaunchPlan {
  readonly brokerCount: 1 | 3;
  /** Quick start of the JVM, at the price of top speed. */
  readonly fastStart: boolean;
  /** Broker properties that replace or add to the usual ones. */
  readonly properties: Readonly<Record<string, string>>;
  readonly security: Security;
  /** The project's folder. */
  readonly root: string;
  /** Where Java's brokers put their data. */
  readonly temporaryFolder: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Brokers that were told to start; they may not be ready yet. */
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
  /** Why it ended although nobody asked it to, undefined otherwise. */
  fault(): string | undefined;
  start(): Promise<void>;
  kill(signal: KillSignal): Promise<void>;
  stop(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Grace between SIGTERM and SIGKILL, in seconds. */
export const STOP_GRACE_S = 10;
