import { CHANNELS, DELIVERIES, type Channel, type Delivery } from '../contract/channels';
import type { ChannelLimits, Config, Delay, KafkaConfig, RateLimit, WorkspaceKeys } from './config';
import {
  baseUrl,
  boolean,
  brokers,
  channels,
  choice,
  delays,
  duration,
  integer,
  MAX_TIMER_MS,
  name,
  rateLimit,
  redisUrl,
  text,
  workspaceKeys,
} from './kinds';
import { Setting, type Unset } from './setting';
import { API_KEY, API_KEY_GRAMMAR } from './workspace-keys';

type SaslMechanism = NonNullable<KafkaConfig['sasl']>['mechanism'];

const NONE: Unset = { kind: 'none' };
const required = (example: string): Unset => ({ kind: 'required', example });
const byDefault = (value: string): Unset => ({ kind: 'default', text: value });

const SASL_MECHANISMS: readonly SaslMechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512'];
const LOG_LEVELS: readonly Config['log']['level'][] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];
const LOG_FORMATS: readonly Config['log']['format'][] = ['json', 'pretty'];

const milliseconds = integer(1, MAX_TIMER_MS);
const pem = text(/-----BEGIN [A-Z0-9 ]+-----/, 'PEM text');
const apiKey = text(API_KEY, API_KEY_GRAMMAR);
const saslPart = text(/^[^\0]+$/, 'a text without NUL characters');

/**
 * Every setting of the service, declared once: how its variable is read, what it must be and what it means. Validation,
 * `.env.example` and docs/settings.md come from these declarations and keep their order.
 */
export class Environment {
  @Setting(brokers, required('localhost:9092'), 'Kafka brokers to connect to first')
  readonly KAFKA_BROKERS!: readonly string[];

  @Setting(name, byDefault('messages-dispatcher'), 'Client id shown to the brokers, completed by `-<REPLICA_ID>`')
  readonly KAFKA_CLIENT_ID!: string;

  @Setting(name, byDefault('messages-dispatcher'), 'Prefix of the consumer groups: `<KAFKA_GROUP_ID>.<topic>`')
  readonly KAFKA_GROUP_ID!: string;

  @Setting(
    name,
    { kind: 'derived', shown: '<hostname>-<HTTP_PORT>' },
    'Id of a replica: unique among live ones, the same after a restart',
  )
  readonly REPLICA_ID!: string | null;

  @Setting(integer(1_000, 300_000), byDefault('10000'), "How soon a dead replica's partitions go to others")
  readonly KAFKA_SESSION_TIMEOUT_MS!: number;

  @Setting(boolean, byDefault('false'), 'TLS to the brokers')
  readonly KAFKA_SSL!: boolean;

  @Setting(pem, NONE, "File of the authorities that sign the brokers' certificates; without it the usual ones", 'file')
  readonly KAFKA_SSL_CA_FILE!: string | null;

  @Setting(pem, NONE, 'File of the client certificate, for mutual TLS', 'file')
  readonly KAFKA_SSL_CERT_FILE!: string | null;

  @Setting(pem, NONE, "File of the client certificate's key, for mutual TLS", 'file')
  readonly KAFKA_SSL_KEY_FILE!: string | null;

  @Setting(choice(SASL_MECHANISMS), NONE, 'SASL mechanism; without it there is no authentication')
  readonly KAFKA_SASL_MECHANISM!: SaslMechanism | null;

  @Setting(saslPart, NONE, 'User name for SASL', 'secret')
  readonly KAFKA_SASL_USERNAME!: string | null;

  @Setting(saslPart, NONE, 'Password for SASL', 'secret')
  readonly KAFKA_SASL_PASSWORD!: string | null;

  @Setting(name, byDefault('messages.'), 'Prefix of all topics')
  readonly TOPIC_PREFIX!: string;

  @Setting(channels, byDefault(CHANNELS.join(',')), 'Channels that this replica serves')
  readonly CHANNELS!: readonly Channel[];

  @Setting(
    boolean,
    byDefault('false'),
    'Create missing topics, for development. If it is false, missing topics end the start with a list of them',
  )
  readonly CREATE_TOPICS!: boolean;

  @Setting(
    integer(1),
    byDefault('16777216'),
    'Largest record batch after it is decompressed, in bytes; a larger one ends as one `invalid` result',
  )
  readonly KAFKA_MAX_BATCH_BYTES!: number;

  @Setting(milliseconds, byDefault('25'), 'Shortest time between two commits of one consumer')
  readonly COMMIT_INTERVAL_MS!: number;

  @Setting(
    integer(0, 1_000),
    byDefault('10'),
    'Most restarts of a crashed consumer within 10 minutes; after that the process drains and ends',
  )
  readonly CONSUMER_RESTARTS!: number;

  @Setting(milliseconds, byDefault('10000'), 'Deadline of one attempt to publish a batch of results')
  readonly PUBLISH_TIMEOUT_MS!: number;

  @Setting(integer(1), byDefault('5000'), 'Most commands in the memory of a replica; beyond it partitions are paused')
  readonly INTAKE_MAX_COMMANDS!: number;

  @Setting(
    integer(1),
    byDefault('33554432'),
    'Most bytes of commands in the memory of a replica; beyond it partitions are paused',
  )
  readonly INTAKE_MAX_BYTES!: number;

  @Setting(baseUrl, required('http://localhost:8080'), 'Base URL of the Messages API')
  readonly MESSAGES_API_URL!: string;

  @Setting(
    apiKey,
    required('change-me'),
    'Key of the Messages API, sent as `x-api-key`; its file is read again when it changes',
    'secret',
  )
  readonly MESSAGES_API_KEY!: string;

  @Setting(
    workspaceKeys,
    NONE,
    'File of keys for single workspaces, instead of `MESSAGES_API_KEY`; read again when it changes',
    'file',
  )
  readonly MESSAGES_API_KEYS_FILE!: WorkspaceKeys | null;

  @Setting(milliseconds, byDefault('10000'), 'Deadline of one call, from connect to last byte')
  readonly MESSAGES_API_TIMEOUT_MS!: number;

  @Setting(integer(1), byDefault('1048576'), 'Largest answer that is read, in bytes')
  readonly MESSAGES_API_MAX_RESPONSE_BYTES!: number;

  @Setting(integer(1, 100_000), byDefault('256'), 'Most calls on the wire at once, for each replica')
  readonly MAX_IN_FLIGHT!: number;

  @Setting(
    integer(1, 1_000_000),
    byDefault('1024'),
    'Most commands of a command topic that were answered and whose outcome or offset Kafka has not acknowledged; beyond it nothing of that topic is sent',
  )
  readonly MAX_UNRECORDED!: number;

  @Setting(integer(1, 1_000), byDefault('5'), 'Most calls of one command in place')
  readonly RETRY_MAX_ATTEMPTS!: number;

  @Setting(
    milliseconds,
    byDefault('200'),
    'Longest wait before the first retry; doubles with each retry, with full jitter',
  )
  readonly RETRY_BASE_DELAY_MS!: number;

  @Setting(milliseconds, byDefault('30000'), 'Longest wait before any retry')
  readonly RETRY_MAX_DELAY_MS!: number;

  @Setting(milliseconds, byDefault('3600000'), 'Longest wait that a `Retry-After` of the API can ask for')
  readonly RETRY_AFTER_MAX_MS!: number;

  @Setting(
    delays,
    { kind: 'default', text: '1m,10m,1h', isEmptyMeant: true },
    'Delays of the rounds on retry topics, for a command that was surely not sent in place',
  )
  readonly RETRY_TOPIC_DELAYS!: readonly Delay[];

  @Setting(
    choice(DELIVERIES),
    byDefault('at-least-once'),
    'Delivery of commands that name none; `at-most-once` needs `REDIS_URL`',
  )
  readonly DEFAULT_DELIVERY!: Delivery;

  @Setting(redisUrl, NONE, 'Redis that remembers settled commands for all replicas; in memory without it', 'secret')
  readonly REDIS_URL!: string | null;

  @Setting(duration, byDefault('24h'), 'How long a settled command is remembered')
  readonly SETTLED_TTL!: number;

  @Setting(
    integer(1, 10_000_000),
    byDefault('10000'),
    'Most settled commands that are remembered in memory, if there is no Redis',
  )
  readonly SETTLED_MAX_COMMANDS!: number;

  @Setting(
    integer(0, 65_535),
    byDefault('3000'),
    'Port of `/livez`, `/readyz`, `/startupz` and `/metrics`; 0 for any free one',
  )
  readonly HTTP_PORT!: number;

  @Setting(milliseconds, byDefault('25000'), 'Longest drain before the exit on SIGTERM or SIGINT')
  readonly SHUTDOWN_TIMEOUT_MS!: number;

  @Setting(choice(LOG_LEVELS), byDefault('info'), 'Lowest level that is logged')
  readonly LOG_LEVEL!: Config['log']['level'];

  @Setting(choice(LOG_FORMATS), byDefault('json'), 'Format of the logs; `pretty` is for people')
  readonly LOG_FORMAT!: Config['log']['format'];

  readonly [limit: RateLimitVariable]: RateLimit | null;
}

type RateLimitVariable = `RATE_LIMIT_${string}`;

const SCOPES: Readonly<Record<keyof ChannelLimits, { readonly suffix: string; readonly per: string }>> = {
  channel: { suffix: '', per: 'over all workspaces' },
  workspace: { suffix: '_PER_WORKSPACE', per: 'per workspace' },
  recipient: { suffix: '_PER_RECIPIENT', per: 'per recipient' },
};

/** The variable of a channel's limit: `RATE_LIMIT_WHATSAPP_PER_WORKSPACE`. */
export function rateLimitVariable(channel: Channel, scope: keyof ChannelLimits): RateLimitVariable {
  return `RATE_LIMIT_${channel.toUpperCase()}${SCOPES[scope].suffix}`;
}

for (const channel of CHANNELS) {
  for (const scope of ['channel', 'workspace', 'recipient'] as const) {
    const meaning = `Most calls to a channel ${SCOPES[scope].per}; default burst 50 ms' worth, at least 1`;
    const shownAs = `RATE_LIMIT_<CHANNEL>${SCOPES[scope].suffix}`;
    Setting(rateLimit, NONE, meaning, 'text', shownAs)(Environment.prototype, rateLimitVariable(channel, scope));
  }
}
