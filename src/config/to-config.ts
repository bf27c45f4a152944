import { CHANNELS, type Channel } from '../contract/channels';
import type { ChannelLimits, Config, KafkaConfig } from './config';
import { rateLimitVariable, type Environment } from './environment';

/**
 * Arranges a valid environment by the parts of the service that use it. `hostname` is part of the replica id if none is
 * set. `files` maps each variable to the file that its value came from.
 */
export function toConfig(
  environment: Environment,
  hostname: string,
  files: ReadonlyMap<string, string | null>,
): Config {
  const replicaId = environment.REPLICA_ID ?? `${hostname}-${environment.HTTP_PORT}`;
  return {
    replicaId,
    kafka: {
      brokers: environment.KAFKA_BROKERS,
      clientId: `${environment.KAFKA_CLIENT_ID}-${replicaId}`,
      groupId: environment.KAFKA_GROUP_ID,
      sessionTimeoutMs: environment.KAFKA_SESSION_TIMEOUT_MS,
      ssl: sslOf(environment),
      sasl: saslOf(environment),
      topicPrefix: environment.TOPIC_PREFIX,
      channels: environment.CHANNELS,
      createTopics: environment.CREATE_TOPICS,
      maxBatchBytes: environment.KAFKA_MAX_BATCH_BYTES,
      commitIntervalMs: environment.COMMIT_INTERVAL_MS,
      maxConsumerRestarts: environment.CONSUMER_RESTARTS,
      maxUnrecorded: environment.MAX_UNRECORDED,
      publishTimeoutMs: environment.PUBLISH_TIMEOUT_MS,
    },
    intake: { maxCommands: environment.INTAKE_MAX_COMMANDS, maxBytes: environment.INTAKE_MAX_BYTES },
    messagesApi: {
      // Paths of operations begin with a slash.
      url: new URL(environment.MESSAGES_API_URL).href.replace(/\/+$/, ''),
      key: environment.MESSAGES_API_KEY,
      workspaceKeys: environment.MESSAGES_API_KEYS_FILE ?? {},
      keyFile: files.get('MESSAGES_API_KEY') ?? null,
      workspaceKeysFile: files.get('MESSAGES_API_KEYS_FILE') ?? null,
      timeoutMs: environment.MESSAGES_API_TIMEOUT_MS,
      maxResponseBytes: environment.MESSAGES_API_MAX_RESPONSE_BYTES,
    },
    dispatch: {
      maxInFlight: environment.MAX_IN_FLIGHT,
      limits: Object.fromEntries(CHANNELS.map((channel) => [channel, limitsOf(environment, channel)])) as Record<
        Channel,
        ChannelLimits
      >,
      retry: {
        maxAttempts: environment.RETRY_MAX_ATTEMPTS,
        baseDelayMs: environment.RETRY_BASE_DELAY_MS,
        maxDelayMs: environment.RETRY_MAX_DELAY_MS,
        retryAfterMaxMs: environment.RETRY_AFTER_MAX_MS,
      },
      retryTopicDelays: environment.RETRY_TOPIC_DELAYS,
      defaultDelivery: environment.DEFAULT_DELIVERY,
    },
    settled: {
      redisUrl: environment.REDIS_URL,
      ttlMs: environment.SETTLED_TTL,
      maxCommands: environment.SETTLED_MAX_COMMANDS,
    },
    http: { port: environment.HTTP_PORT },
    shutdownTimeoutMs: environment.SHUTDOWN_TIMEOUT_MS,
    log: { level: environment.LOG_LEVEL, format: environment.LOG_FORMAT },
  };
}

function sslOf(environment: Environment): KafkaConfig['ssl'] {
  const { KAFKA_SSL_CA_FILE: ca, KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key } = environment;
  if (!environment.KAFKA_SSL) return null;
  return { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) };
}

function saslOf(environment: Environment): KafkaConfig['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = environment;
  return mechanism === null || username === null || password === null ? null : { mechanism, username, password };
}

function limitsOf(environment: Environment, channel: Channel): ChannelLimits {
  return {
    channel: environment[rateLimitVariable(channel, 'channel')] ?? null,
    workspace: environment[rateLimitVariable(channel, 'workspace')] ?? null,
    recipient: environment[rateLimitVariable(channel, 'recipient')] ?? null,
  };
}
