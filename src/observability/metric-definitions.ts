/** The names of the service's own metrics begin with this. */
export const METRIC_PREFIX = 'messages_dispatcher_';

/**
 * All labels. None of them names a person, a workspace or a message. Names from OpenTelemetry's semantic conventions
 * (messaging, HTTP, error) have underscores instead of dots, as its exporter for Prometheus writes them. The others
 * have no name there.
 */
export type LabelName =
  | 'channel'
  | 'lane'
  | 'type'
  | 'outcome'
  | 'messaging_destination_name'
  | 'messaging_destination_partition_id'
  | 'http_response_status_code'
  | 'error_type';

/** Describes a metric, to Prometheus and in docs/metrics.md. */
export interface MetricDefinition {
  readonly type: 'counter' | 'histogram' | 'gauge';
  readonly labels: readonly LabelName[];
  readonly help: string;
}

const TOPIC = ['messaging_destination_name'] as const;
const PARTITION = ['messaging_destination_name', 'messaging_destination_partition_id'] as const;

/** The service's own metrics, without {@link METRIC_PREFIX}. */
export const METRICS = {
  read_messages_total: { type: 'counter', labels: TOPIC, help: 'Records read from command and retry topics.' },
  settled_commands_total: {
    type: 'counter',
    labels: ['channel', 'lane', 'type', 'outcome'],
    help: 'Commands whose result is acknowledged; type is absent if the command was unreadable.',
  },
  produce_to_result_duration_seconds: {
    type: 'histogram',
    labels: ['channel', 'lane'],
    help: "From the command record's timestamp to its result.",
  },
  http_client_request_duration_seconds: {
    type: 'histogram',
    labels: ['channel', 'type', 'http_response_status_code'],
    help: 'Calls to the Messages API, to the last byte; the status code is absent if no answer came.',
  },
  replayed_commands_total: {
    type: 'counter',
    labels: ['channel'],
    help: 'Commands that an earlier record had settled: they are not sent, and their result is published again.',
  },
  parked_commands_total: {
    type: 'counter',
    labels: ['channel'],
    help: 'Commands that went on to a retry topic, once for each round.',
  },
  retries_total: {
    type: 'counter',
    labels: ['channel', 'error_type'],
    help: 'Commands that wait to be sent again: connect, handler (a guard or an interceptor refused), timeout, reset, status (5xx, 408, 425) or limited (429, 503 with Retry-After).',
  },
  rate_limit_waits_total: {
    type: 'counter',
    labels: ['channel'],
    help: 'How often a configured rate limit made a command wait.',
  },
  rate_limit_wait_seconds_total: {
    type: 'counter',
    labels: ['channel'],
    help: 'Sum of those waits.',
  },
  published_messages_total: {
    type: 'counter',
    labels: TOPIC,
    help: 'Results, dead letters and retry records that all in-sync replicas acknowledged.',
  },
  publish_duration_seconds: {
    type: 'histogram',
    labels: TOPIC,
    help: 'Publishing one batch, until it was acknowledged.',
  },
  publish_failures_total: {
    type: 'counter',
    labels: TOPIC,
    help: 'Attempts to publish a batch that failed and are repeated.',
  },
  reply_failures_total: { type: 'counter', labels: [], help: 'Replies to kafka_replyTopic that were given up.' },
  commit_duration_seconds: {
    type: 'histogram',
    labels: TOPIC,
    help: 'Offset commits, until the broker acknowledged them.',
  },
  consumer_crashes_total: { type: 'counter', labels: TOPIC, help: 'Crashes of consumers, restarted ones included.' },
  offset_resets_total: {
    type: 'counter',
    labels: TOPIC,
    help: 'Committed offsets that retention had removed, so that records were skipped.',
  },
  in_flight_calls: { type: 'gauge', labels: [], help: 'Calls to the Messages API on the wire.' },
  waiting_commands: { type: 'gauge', labels: [], help: 'Commands in hand that are not on the wire.' },
  unrecorded_commands: {
    type: 'gauge',
    labels: TOPIC,
    help: 'Commands of a command topic that were answered and whose outcome or offset Kafka has not acknowledged; at MAX_UNRECORDED nothing more of the topic is sent.',
  },
  held_commands: { type: 'gauge', labels: [], help: 'Commands in memory, from being read to being settled.' },
  held_bytes: { type: 'gauge', labels: [], help: 'Bytes that the commands in memory take up.' },
  circuit_open: {
    type: 'gauge',
    labels: [],
    help: '1 while the Messages API as a whole fails, on every channel that is in use, else 0.',
  },
  credentials_refused: {
    type: 'gauge',
    labels: [],
    help: 'Keys that the Messages API refuses: nothing has succeeded with them since.',
  },
  workspaces_refused: {
    type: 'gauge',
    labels: [],
    help: 'Workspaces, each on a channel, that wait because the Messages API refuses them with their key.',
  },
  channel_circuit_open: {
    type: 'gauge',
    labels: ['channel'],
    help: '1 while the circuit of a channel is open, else 0; absent before its first call.',
  },
  workspace_circuits_open: {
    type: 'gauge',
    labels: ['channel'],
    help: 'Workspaces of a channel whose own circuit is open.',
  },
  settled_store_available: {
    type: 'gauge',
    labels: [],
    help: '0 while the store of settled commands (REDIS_URL) is away, else 1.',
  },
  partition_held_back: {
    type: 'gauge',
    labels: PARTITION,
    help: '1 while so many offsets lie beyond the oldest open command of a partition that no more are read, else 0.',
  },
  partition_paused: {
    type: 'gauge',
    labels: PARTITION,
    help: '1 while a partition that this replica reads is paused, else 0.',
  },
  lag_messages: {
    type: 'gauge',
    labels: PARTITION,
    help: 'Records of a partition that are not committed yet; absent before its first fetch.',
  },
  commit_age_seconds: {
    type: 'gauge',
    labels: PARTITION,
    help: 'Age of the oldest completed command of a partition that is not committed yet; 0 if there is none.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of one of the service's own metrics, without {@link METRIC_PREFIX}. */
export type MetricName = keyof typeof METRICS;

/** The names of the metrics of one type. */
export type MetricNameOf<T extends MetricDefinition['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];
