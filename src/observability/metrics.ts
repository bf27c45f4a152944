import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Channel, Lane, MessageType } from '../contract/channels';
import type { Outcome } from '../contract/outcome';
import type { RetryReason } from '../dispatch/verdict';
import { FastCounter, FastHistogram, type Labels, registerGauge } from './instruments';
import { Lookup } from './lookup';
import type { MetricNameOf } from './metric-definitions';
import type { ChannelGauges, Gauges, PartitionGauges, Telemetry } from './telemetry';

const RETRY_REASONS: Readonly<Record<RetryReason | 'limited', true>> = {
  connect: true,
  handler: true,
  timeout: true,
  reset: true,
  status: true,
  limited: true,
};

/** OpenTelemetry's name for an `error.type` outside the known set. */
const OTHER = '_OTHER';

const GAUGES: readonly { name: MetricNameOf<'gauge'>; read: (gauges: Gauges) => number }[] = [
  { name: 'in_flight_calls', read: (gauges) => gauges.inFlight() },
  { name: 'waiting_commands', read: (gauges) => gauges.waiting() },
  { name: 'held_commands', read: (gauges) => gauges.commandsInMemory() },
  { name: 'held_bytes', read: (gauges) => gauges.bytesInMemory() },
  { name: 'circuit_open', read: (gauges) => Number(gauges.api().isDown) },
  { name: 'credentials_refused', read: (gauges) => gauges.api().keysRefused },
  { name: 'workspaces_refused', read: (gauges) => gauges.api().workspacesRefused },
  { name: 'settled_store_available', read: (gauges) => gauges.settledStoreAvailable() },
];

const CHANNEL_GAUGES: readonly { name: MetricNameOf<'gauge'>; read: (channel: ChannelGauges) => number }[] = [
  { name: 'channel_circuit_open', read: ({ isOpen }) => Number(isOpen) },
  { name: 'workspace_circuits_open', read: ({ openWorkspaces }) => openWorkspaces },
];

/** `read` returns null if there is no value to show. */
const PARTITION_GAUGES: readonly {
  name: MetricNameOf<'gauge'>;
  read: (partition: PartitionGauges) => number | null;
}[] = [
  { name: 'partition_held_back', read: ({ heldBack }) => (heldBack ? 1 : 0) },
  { name: 'partition_paused', read: ({ paused }) => (paused ? 1 : 0) },
  { name: 'lag_messages', read: ({ lag }) => lag },
  { name: 'commit_age_seconds', read: ({ commitAgeMs }) => commitAgeMs / 1000 },
];

/**
 * The metrics of the service and of its process, for Prometheus. Series are found in a few maps and counted in plain
 * numbers: for one command, `called` and `settled` together take about 0.2 µs.
 */
export class Metrics implements Telemetry {
  private readonly registry = new Registry();
  private gauges: Gauges | null = null;

  private readonly readRecords = this.counterByTopic('read_messages_total');
  private readonly settledCommands = this.counterOfSettled();
  private readonly sinceProduced = this.histogramSinceProduced();
  private readonly calls = this.histogramOfCalls();
  private readonly replays = this.counterByChannel('replayed_commands_total');
  private readonly sentToRetryTopics = this.counterByChannel('parked_commands_total');
  private readonly retries = this.counterOfRetries();
  private readonly limitWaits = this.counterByChannel('rate_limit_waits_total');
  private readonly limitWaitSeconds = this.counterByChannel('rate_limit_wait_seconds_total');
  private readonly publishedRecords = this.counterByTopic('published_messages_total');
  private readonly publishDurations = this.histogramByTopic('publish_duration_seconds');
  private readonly publishFailures = this.counterByTopic('publish_failures_total');
  private readonly replyFailures = new FastCounter(this.registry, 'reply_failures_total').series({});
  private readonly commitDurations = this.histogramByTopic('commit_duration_seconds');
  private readonly crashes = this.counterByTopic('consumer_crashes_total');
  private readonly offsetResets = this.counterByTopic('offset_resets_total');

  constructor() {
    for (const { name, read } of GAUGES) {
      registerGauge(this.registry, name, (report) => {
        if (this.gauges !== null) report({}, read(this.gauges));
      });
    }
    for (const { name, read } of CHANNEL_GAUGES) {
      registerGauge(this.registry, name, (report) => {
        for (const channel of this.gauges?.api().channels ?? []) report({ channel: channel.channel }, read(channel));
      });
    }
    registerGauge(this.registry, 'unrecorded_commands', (report) => {
      for (const { topic, commands } of this.gauges?.unrecorded() ?? []) {
        report({ messaging_destination_name: topic }, commands);
      }
    });
    for (const { name, read } of PARTITION_GAUGES) {
      registerGauge(this.registry, name, (report) => {
        for (const partition of this.gauges?.partitions() ?? []) {
          const value = read(partition);
          if (value !== null) report(partitionLabels(partition), value);
        }
      });
    }
    collectDefaultMetrics({ register: this.registry });
  }

  /** The media type of {@link render}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus's text format. */
  async render(): Promise<string> {
    this.showTopics();
    return this.registry.metrics();
  }

  /** Name, type and help of all metrics, in the order of {@link render}. */
  async describe(): Promise<readonly { name: string; type: string; help: string }[]> {
    const metrics = await this.registry.getMetricsAsJSON();
    return metrics.map(({ name, type, help }) => ({ name, type: String(type), help }));
  }

  read(topic: string, records: number): void {
    this.readRecords.get(topic).add(records);
  }

  settled(channel: Channel, lane: Lane, type: MessageType | null, outcome: Outcome, sinceProducedMs: number): void {
    this.settledCommands.get(channel).get(lane).get(type).get(outcome).add(1);
    this.sinceProduced.get(channel).get(lane).observe(atLeastZero(sinceProducedMs));
  }

  called(channel: Channel, type: MessageType, httpStatus: number | null, durationMs: number): void {
    this.calls.get(channel).get(type).get(httpStatus).observe(durationMs);
  }

  replayed(channel: Channel): void {
    this.replays.get(channel).add(1);
  }

  sentToRetryTopic(channel: Channel): void {
    this.sentToRetryTopics.get(channel).add(1);
  }

  retried(channel: Channel, reason: string): void {
    this.retries
      .get(channel)
      .get(Object.hasOwn(RETRY_REASONS, reason) ? reason : OTHER)
      .add(1);
  }

  limitWaited(channel: Channel, waitMs: number): void {
    this.limitWaits.get(channel).add(1);
    this.limitWaitSeconds.get(channel).add(waitMs / 1000);
  }

  published(topic: string, records: number, durationMs: number): void {
    this.publishedRecords.get(topic).add(records);
    this.publishDurations.get(topic).observe(durationMs);
  }

  publishFailed(topic: string): void {
    this.publishFailures.get(topic).add(1);
  }

  replyFailed(): void {
    this.replyFailures.add(1);
  }

  committed(topic: string, durationMs: number): void {
    this.commitDurations.get(topic).observe(durationMs);
  }

  consumerCrashed(topic: string): void {
    this.crashes.get(topic).add(1);
  }

  offsetReset(topic: string): void {
    this.offsetResets.get(topic).add(1);
  }

  watch(gauges: Gauges): void {
    this.gauges = gauges;
  }

  /** Alerts watch these counters. Prometheus must see them at 0 first, else the first increment is not an increase. */
  private showTopics(): void {
    for (const { topic } of this.gauges?.partitions() ?? []) {
      for (const counter of [this.readRecords, this.crashes, this.offsetResets]) counter.get(topic);
    }
  }

  private counterByTopic(name: MetricNameOf<'counter'>) {
    const counter = new FastCounter(this.registry, name);
    return new Lookup((topic: string) => counter.series({ messaging_destination_name: topic }));
  }

  private histogramByTopic(name: MetricNameOf<'histogram'>) {
    const histogram = new FastHistogram(this.registry, name);
    return new Lookup((topic: string) => histogram.series({ messaging_destination_name: topic }));
  }

  private counterByChannel(name: MetricNameOf<'counter'>) {
    const counter = new FastCounter(this.registry, name);
    return new Lookup((channel: Channel) => counter.series({ channel }));
  }

  private counterOfSettled() {
    const counter = new FastCounter(this.registry, 'settled_commands_total');
    return new Lookup(
      (channel: Channel) =>
        new Lookup(
          (lane: Lane) =>
            new Lookup(
              (type: MessageType | null) =>
                new Lookup((outcome: Outcome) =>
                  counter.series({ channel, lane, ...(type === null ? {} : { type }), outcome }),
                ),
            ),
        ),
    );
  }

  private histogramSinceProduced() {
    const histogram = new FastHistogram(this.registry, 'produce_to_result_duration_seconds');
    return new Lookup((channel: Channel) => new Lookup((lane: Lane) => histogram.series({ channel, lane })));
  }

  private histogramOfCalls() {
    const histogram = new FastHistogram(this.registry, 'http_client_request_duration_seconds');
    return new Lookup(
      (channel: Channel) =>
        new Lookup(
          (type: MessageType) =>
            new Lookup((status: number | null) =>
              histogram.series({ channel, type, ...(status === null ? {} : { http_response_status_code: status }) }),
            ),
        ),
    );
  }

  private counterOfRetries() {
    const counter = new FastCounter(this.registry, 'retries_total');
    return new Lookup(
      (channel: Channel) => new Lookup((errorType: string) => counter.series({ channel, error_type: errorType })),
    );
  }
}

function partitionLabels({ topic, partition }: PartitionGauges): Labels {
  return { messaging_destination_name: topic, messaging_destination_partition_id: partition };
}

/** A producer's clock may be ahead of this one. Prometheus would take a falling sum of durations for a restart. */
function atLeastZero(durationMs: number): number {
  return durationMs > 0 ? durationMs : 0;
}
