import type { Log, LogLevel } from '../../observability/log';
import { Kafka, type KafkaConfig as ClientConfig, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { applyPatches } from '../kafkajs-patches/apply-patches';
import { registerCodecs } from './codecs';

/** Called when a partition is read from its start again, since the offset that was next is gone. */
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

/** kafkajs' log message if retention has removed a committed offset (consumerGroup.js). There is no event for it. */
const OFFSET_RESET = 'Offset out of range, resetting to default offset';

const CONNECTION_TIMEOUT_MS = 3_000;
/** The wait between two tries grows to this and no more, so that a broker that comes back is found soon. */
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

/** Addresses of the brokers, TLS, credentials and timeouts. */
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
    // A copy: kafkajs writes to this object when it authenticates, and the configuration is frozen.
    ...(sasl === null ? {} : { sasl: { ...sasl } as SASLOptions }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: publishTimeoutMs,
  };
}

/**
 * The client that every consumer, producer and admin client is made from. Retries have no limit: a broker that is away
 * is waited for, and each caller has its own deadline.
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

/**
 * kafkajs logs every refused request as an error, and then tries again. Only a request that it gives up is an error
 * here.
 */
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
