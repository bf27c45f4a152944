import { CHANNELS, LANES, MESSAGE_TYPES } from '../../src/contract/channels';
import { OUTCOMES } from '../../src/contract/outcome';
import { BUCKETS_S } from '../../src/observability/instruments';
import { METRIC_PREFIX, METRICS, type MetricDefinition } from '../../src/observability/metric-definitions';
import { Metrics } from '../../src/observability/metrics';
import type { Gauges, PartitionGauges } from '../../src/observability/telemetry';

const TOPIC = 'messages.commands.whatsapp';
const UNIT_SUFFIX: Readonly<Record<MetricDefinition['type'], RegExp>> = {
  counter: /_total$/,
  histogram: /_seconds$/,
  gauge: /_(seconds|bytes|calls|commands|messages|open|refused|available|held_back|paused)$/,
};

function gaugesWith(partitions: readonly PartitionGauges[], inFlight = 0): Gauges {
  return {
    inFlight: () => inFlight,
    waiting: () => 2,
    api: () => ({
      isDown: true,
      channels: [{ channel: 'telegram', isOpen: true, openWorkspaces: 7 }],
      keysRefused: 0,
      workspacesRefused: 3,
    }),
    settledStoreAvailable: () => 1,
    commandsInMemory: () => 5,
    bytesInMemory: () => 6,
    unrecorded: () => [{ topic: TOPIC, commands: 8 }],
    partitions: () => partitions,
  };
}

/** The values of the service's own series, by their rendered name without the prefix. */
async function samplesOf(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith(METRIC_PREFIX));
  return Object.fromEntries(
    lines.map((line) => {
      const split = line.lastIndexOf(' ');
      return [line.slice(METRIC_PREFIX.length, split), Number(line.slice(split + 1))];
    }),
  );
}

function callEverything(metrics: Metrics): void {
  for (const channel of CHANNELS) {
    for (const lane of LANES) {
      for (const outcome of OUTCOMES) {
        for (const type of [...MESSAGE_TYPES, null]) metrics.settled(channel, lane, type, outcome, 5);
      }
    }
    for (const type of MESSAGE_TYPES) for (const status of [200, 503, null]) metrics.called(channel, type, status, 5);
    metrics.replayed(channel);
    metrics.sentToRetryTopic(channel);
    metrics.retried(channel, 'timeout');
    metrics.limitWaited(channel, 5);
  }
  metrics.read(TOPIC, 3);
  metrics.published('messages.results', 2, 4);
  metrics.publishFailed('messages.results');
  metrics.replyFailed();
  metrics.committed(TOPIC, 3);
  metrics.consumerCrashed(TOPIC);
  metrics.offsetReset(TOPIC);
  metrics.watch(gaugesWith([{ topic: TOPIC, partition: 0, paused: true, heldBack: false, lag: 7, commitAgeMs: 50 }]));
}

describe('Metrics', () => {
  it('counts settled commands by channel, lane, type and outcome, and goes on counting after a scrape', async () => {
    const metrics = new Metrics();
    metrics.settled('whatsapp', 'bulk', 'text', 'accepted', 5);
    metrics.settled('whatsapp', 'bulk', 'text', 'accepted', 5);
    metrics.settled('telegram', 'transactional', null, 'invalid', 5);
    await metrics.render();
    metrics.settled('whatsapp', 'bulk', 'text', 'accepted', 5);
    expect(await samplesOf(metrics)).toMatchObject({
      'settled_commands_total{channel="whatsapp",lane="bulk",type="text",outcome="accepted"}': 3,
      'settled_commands_total{channel="telegram",lane="transactional",outcome="invalid"}': 1,
    });
  });

  it('puts a call on the bound of a bucket into that bucket, and counts buckets cumulatively', async () => {
    const metrics = new Metrics();
    for (const durationMs of [0.5, 1, 1.5, 60_000, 60_001]) metrics.called('whatsapp', 'text', 200, durationMs);
    metrics.called('whatsapp', 'text', null, 10_000);
    const samples = await samplesOf(metrics);
    const name = 'http_client_request_duration_seconds';
    const labels = 'channel="whatsapp",type="text",http_response_status_code="200"';
    const inBucket = (le: number | string) => samples[`${name}_bucket{le="${le}",${labels}}`];
    expect([0.001, 0.0025, 30, 60, '+Inf'].map(inBucket)).toEqual([2, 3, 3, 4, 5]);
    expect(samples[`${name}_count{${labels}}`]).toBe(5);
    expect(samples[`${name}_sum{${labels}}`]).toBeCloseTo(120.004, 9);
    expect(samples[`${name}_count{channel="whatsapp",type="text"}`]).toBe(1);
    expect(
      Object.keys(samples).filter((key) => key.startsWith(`${name}_bucket{`) && key.includes(labels)),
    ).toHaveLength(BUCKETS_S.length + 1);
  });

  it('counts a command from the future as one that took no time', async () => {
    const metrics = new Metrics();
    metrics.settled('whatsapp', 'bulk', 'text', 'accepted', -5_000);
    const labels = '{channel="whatsapp",lane="bulk"}';
    expect(await samplesOf(metrics)).toMatchObject({
      [`produce_to_result_duration_seconds_sum${labels}`]: 0,
      [`produce_to_result_duration_seconds_count${labels}`]: 1,
    });
  });

  it('counts topics, limits and retries in base units', async () => {
    const metrics = new Metrics();
    callEverything(metrics);
    const results = '{messaging_destination_name="messages.results"}';
    const commands = `{messaging_destination_name="${TOPIC}"}`;
    expect(await samplesOf(metrics)).toMatchObject({
      [`read_messages_total${commands}`]: 3,
      [`published_messages_total${results}`]: 2,
      [`publish_duration_seconds_sum${results}`]: 0.004,
      [`publish_failures_total${results}`]: 1,
      reply_failures_total: 1,
      [`commit_duration_seconds_count${commands}`]: 1,
      [`consumer_crashes_total${commands}`]: 1,
      [`offset_resets_total${commands}`]: 1,
      'retries_total{channel="telegram",error_type="timeout"}': 1,
      'rate_limit_waits_total{channel="telegram"}': 1,
      'rate_limit_wait_seconds_total{channel="telegram"}': 0.005,
    });
  });

  it('reads gauges at the scrape, and drops partitions that the replica no longer has', async () => {
    const metrics = new Metrics();
    const partition = (index: number, lag: number | null) => ({
      topic: TOPIC,
      partition: index,
      paused: index === 0,
      heldBack: false,
      lag,
      commitAgeMs: 1_500,
    });
    const labels = (index: number) =>
      `{messaging_destination_name="${TOPIC}",messaging_destination_partition_id="${index}"}`;
    metrics.watch(gaugesWith([partition(0, 9), partition(1, null)], 3));
    const before = await samplesOf(metrics);
    expect(before).toMatchObject({
      in_flight_calls: 3,
      waiting_commands: 2,
      held_commands: 5,
      held_bytes: 6,
      circuit_open: 1,
      credentials_refused: 0,
      workspaces_refused: 3,
      'channel_circuit_open{channel="telegram"}': 1,
      'workspace_circuits_open{channel="telegram"}': 7,
      settled_store_available: 1,
      [`partition_paused${labels(0)}`]: 1,
      [`partition_paused${labels(1)}`]: 0,
      [`lag_messages${labels(0)}`]: 9,
      [`commit_age_seconds${labels(1)}`]: 1.5,
    });
    expect(before).not.toHaveProperty([`lag_messages${labels(1)}`]);
    metrics.watch(gaugesWith([partition(1, 4)]));
    const after = await samplesOf(metrics);
    expect(after).toMatchObject({ in_flight_calls: 0, [`lag_messages${labels(1)}`]: 4 });
    expect(after).not.toHaveProperty([`lag_messages${labels(0)}`]);
  });

  it('shows crashes and resets as 0 for every topic it reads, before the first one', async () => {
    const metrics = new Metrics();
    metrics.watch(
      gaugesWith([{ topic: TOPIC, partition: 0, paused: false, heldBack: false, lag: null, commitAgeMs: 0 }]),
    );
    const labels = `{messaging_destination_name="${TOPIC}"}`;
    expect(await samplesOf(metrics)).toMatchObject({
      [`consumer_crashes_total${labels}`]: 0,
      [`offset_resets_total${labels}`]: 0,
    });
  });

  it('gives every metric exactly its documented labels', async () => {
    const metrics = new Metrics();
    callEverything(metrics);
    const rendered = Object.keys(await samplesOf(metrics));
    const definitions: [string, MetricDefinition][] = Object.entries(METRICS);
    for (const [name, { type, labels }] of definitions) {
      const suffix = type === 'histogram' ? /_(bucket|sum|count)$/ : /$/;
      const series = rendered.filter((key) => key.replace(/\{.*/, '').replace(suffix, '') === name);
      expect(series).not.toEqual([]);
      const seen = new Set(series.flatMap((key) => [...key.matchAll(/[{,](\w+)="/g)].map(([, label]) => label)));
      seen.delete('le');
      expect([name, seen]).toEqual([name, new Set(labels)]);
    }
  });

  it('names metrics with the suffix of their unit', () => {
    const definitions: [string, MetricDefinition][] = Object.entries(METRICS);
    expect(definitions.filter(([name, { type }]) => !UNIT_SUFFIX[type].test(name))).toEqual([]);
  });

  it('uses no text as a label unless it is a known reason', async () => {
    const metrics = new Metrics();
    metrics.retried('whatsapp', 'no answer from +4915112345678');
    metrics.retried('whatsapp', 'constructor');
    expect(await samplesOf(metrics)).toMatchObject({ 'retries_total{channel="whatsapp",error_type="_OTHER"}': 2 });
    expect(await metrics.render()).not.toContain('4915112345678');
  });

  it('also has the metrics of the process, in a registry of its own', async () => {
    const [first, second] = [new Metrics(), new Metrics()];
    first.replyFailed();
    expect(await first.render()).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(await samplesOf(second)).toMatchObject({ reply_failures_total: 0 });
  });
});
