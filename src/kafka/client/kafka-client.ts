import type { Log, LogLevel } from '../../observability/log';
import { Kafka, type KafkaConfig as ClientConfig, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { applyPatches } from '../kafkajs-patches/apply-patches';
import { registerCodecs } from './codecs';

/** Told that reading of a partition starts anew, since the offset it was to go on from is gone. */
export type OffsetReset = (topic: string, partition: number) => void;

const LEVELS: ReadonlyMap<logLevel, LogLevel> = new Map([
  [logLevel.ERROR, 'error'],
  [logLevel.WARN, 'warn'],
  [logLevel.INFO, 'info'],
]);

type ConnectionSettings = Pick<
  ClientConfig,
  'brokers' | 'clientId' | 'ssl' | 'sasl' | 'connectionTimeout' | 'requestTimeout'
>;

/** What kafkajs says, and no event tells, where retention has removed a committed offset (consumerGroup.js). */
const OFFSET_RESET = 'Offset out of range, resetting to default offset';

const CONNECTION_TIMEOUT_MS = 3_000;
/** Pause between two tries grows to this, so that a broker that comes back is found soon. */
const MAX_RETRY_MS = 2_000;

/** Fields of kafkajs log lines that are worth keeping; the rest repeats the message or may hold payloads. */
const KEPT_FIELDS = [
  'groupId',
  'memberId',
  'topic',
  'partition',
  'broker',
  'retryCount',
  'retryTime',
  'error',
] as const;

/** Where the brokers are, and how to be let in. */
export function connectionSettings({
  brokers,
  clientId,
  ssl,
  sasl,
  publishTimeoutMs,
}: KafkaConfig): ConnectionSettings {
  return {
    brokers: [...brokers],
    clientId,
    ...(ssl === null ? {} : { ssl }),
    // A copy: kafkajs keeps what it authenticates with on this very object, and the configuration is frozen.
    ...(sasl === null ? {} : { sasl: { ...sasl } as SASLOptions }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: publishTimeoutMs,
  };
}

/**
 * The connection settings that every consumer, producer and admin client share. Retries never end by count: a broker that
 * is away is waited for, and whoever waits has its own deadline.
 */
export function createKafka(config: KafkaConfig, log: Log, onOffsetReset: OffsetReset): Kafka {
  registerCodecs();
  applyPatches();
  return new Kafka({
    ...connectionSettings(config),
    retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 100, maxRetryTime: MAX_RETRY_MS },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      log(levelOf(entry), messageOf(entry), fieldsOf(entry));
      if (entry.log.message === OFFSET_RESET) onOffsetReset(String(entry.log['topic']), Number(entry.log['partition']));
    },
  });
}

/** kafkajs reports every refused request as an error, and then tries again: only what it gives up is one. */
function levelOf({ namespace, level, log: { message } }: LogEntry): LogLevel {
  if (namespace === 'Connection' && message.startsWith('Response ')) return 'debug';
  return LEVELS.get(level) ?? 'debug';
}

function messageOf(entry: LogEntry): string {
  return `kafkajs ${entry.namespace}: ${entry.log.message}`;
}

function fieldsOf(entry: LogEntry): Record<string, unknown> {
  return Object.fromEntries(KEPT_FIELDS.flatMap((name) => (name in entry.log ? [[name, entry.log[name]]] : [])));
}
