import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaMessage } from 'kafkajs';
import type { Result } from '../../src/contract/outcome.ts';
import { runPlainLoop } from '../bench/bench.ts';
import { TopicReader, recordCount } from '../lib/reading.ts';
import { accountOf } from './account.ts';
import type { Account, CommandRecord, Cut, ResultRecord } from './account.ts';
import { ChaosBed } from './bed.ts';
import type { Stage } from './bed.ts';
import type { Incident } from './faults.ts';
import { inject } from './inject.ts';
import { LOADED_TOPICS, LoadProducer } from './load.ts';
import { brokenCounts, brokenTimes } from './promises.ts';
import type { Allowed, Observed } from './promises.ts';
import { recoveriesOf } from './recoveries.ts';
import { planOf } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';

/** How a scenario went. */
export interface ScenarioResult {
  readonly name: string;
  /** Only counts were judged, no durations. */
  readonly short: boolean;
  readonly account: Account;
  readonly allowed: Allowed;
  readonly observed: Observed;
  /** One line per broken promise. */
  readonly broken: readonly string[];
}

/** So many calls, one after another, measure the round trip. */
const UNLOADED_CALLS = 20;
const PROGRESS_EVERY_MS = 5_000;
const POLL_MS = 20;
const READ_TIMEOUT_MS = 60_000;
/** The longest time from the order to freeze a replica, or to close the API's connections, until that is done. */
const CUT_MS = 50;

/** Runs a scenario, from its topics to its account. Everything that it started has ended when it returns. */
export async function runScenario(
  stage: Stage,
  scenario: Scenario,
  { seed, short }: { readonly seed: number; readonly short: boolean },
): Promise<ScenarioResult> {
  const { say, signal } = stage;
  const form = short ? scenario.short : scenario.long;
  const plan = planOf(form, seed);
  say(`${scenario.name}: ${scenario.about}`);
  await using bed = await ChaosBed.prepare(stage, scenario, form);
  for (const name of scenario.replicas) bed.replica(name).launch();
  for (const name of scenario.replicas) await bed.replica(name).untilReady(signal);

  const roundTripMs = await unloadedRoundTripMs(bed);
  const producer = new LoadProducer(bed.kafka, bed.prefix, form.load);
  const incidents = await underLoad(bed, producer, (running) => inject(bed, plan, running));
  say(`  everything is produced and done; waiting until it is settled`);
  const unsettled = await bed.untilSettled();
  const endMs = Date.now();
  await bed.stopReplicas();

  const { commands, results } = await readTopics(bed);
  const calls = await bed.sandbox.calls();
  const account = accountOf({
    commands,
    results,
    calls,
    report: await bed.sandbox.report(),
    cuts: incidents.flatMap(cutOf),
    roundTripMs,
    endMs,
    prefix: bed.prefix,
  });
  const recovered = incidents.filter(({ fault }) => fault.kind === 'api').map(({ untilMs }) => untilMs);
  const observed: Observed = {
    exitCodes: bed.exitCodes,
    ended: bed.replicas.flatMap(({ endedUnasked }) => endedUnasked ?? []),
    peakMemoryMib: Math.max(...bed.replicas.map(({ peakMemoryMib }) => peakMemoryMib)),
    recoveries: recoveriesOf(recovered, commands, calls),
    unsettled,
    roundTripMs,
    acknowledgementMs: producer.acknowledgementMs,
  };
  say(`    a round trip took ${Math.round(roundTripMs)} ms, an acknowledgement ${observed.acknowledgementMs} ms (p99)`);
  for (const { resumedAfterMs, herd } of observed.recoveries) {
    say(
      `    every partition was served ${resumedAfterMs} ms after the API was back, ${herd} calls in the first 100 ms`,
    );
  }
  const allowed = scenario.allowed(plan);
  const broken = brokenCounts(account, allowed, observed);
  if (!short) broken.push(...brokenTimes(account, allowed, observed));
  for (const line of broken) say(`  BROKEN: ${line}`);
  if (broken.length > 0) {
    const repeats = [...Map.groupBy(calls, ({ key }) => key).values()].filter(({ length }) => length > 1);
    await writeFile(join(bed.logs, 'account.json'), JSON.stringify({ seed, incidents, account, observed, repeats }));
    say(`  the account, and what the replicas said: ${bed.logs}`);
  }
  return { name: scenario.name, short, account, allowed, observed, broken };
}

async function unloadedRoundTripMs({ stage, sandbox }: ChaosBed): Promise<number> {
  const load = { name: 'unloaded', count: UNLOADED_CALLS, recipients: UNLOADED_CALLS };
  const { wallMs } = await runPlainLoop(stage, { url: sandbox.url, connections: 1, warmUp: UNLOADED_CALLS / 4, load });
  await sandbox.reset();
  return wallMs / UNLOADED_CALLS;
}

/**
 * Resolves to the result of `work` when the load is produced as well. If one of the two fails, the other one is ended.
 */
async function underLoad<T>(
  bed: ChaosBed,
  producer: LoadProducer,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const failed = new AbortController();
  const done = new AbortController();
  const signal = AbortSignal.any([bed.stage.signal, failed.signal]);
  const progress = tellProgress(bed, producer, AbortSignal.any([signal, done.signal]));
  const failing = <R>(promise: Promise<R>): Promise<R> =>
    promise.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  const [, result] = await Promise.allSettled([failing(producer.run(signal)), failing(work(signal))]);
  done.abort();
  await progress;
  signal.throwIfAborted();
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function tellProgress(bed: ChaosBed, producer: LoadProducer, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(PROGRESS_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    // The progress is not asked for while the API is away.
    const report = await bed.sandbox.report().catch(() => null);
    const taken = report === null ? 'the API does not answer' : `${report.uniqueAccepted} taken by the API`;
    bed.stage.say(`    ${producer.produced} commands produced, ${taken}`);
  }
}

async function readTopics(bed: ChaosBed): Promise<{ commands: CommandRecord[]; results: ResultRecord[] }> {
  const commands: CommandRecord[] = [];
  for (const { name } of LOADED_TOPICS) commands.push(...(await readRecords(bed, bed.prefix + name, toCommand)));
  return { commands, results: await readRecords(bed, bed.results, toResult) };
}

async function readRecords<T>(
  { kafka, admin, stage }: ChaosBed,
  topic: string,
  convert: (topic: string, partition: number, message: KafkaMessage) => T,
): Promise<T[]> {
  const signal = AbortSignal.any([stage.signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
  const records: T[] = [];
  const count = await recordCount(admin, topic);
  await using _reader = await TopicReader.start(kafka, topic, (message, partition) => {
    records.push(convert(topic, partition, message));
  });
  while (records.length < count) await sleep(POLL_MS, undefined, { signal });
  return records;
}

function toCommand(topic: string, partition: number, { offset, timestamp, value }: KafkaMessage): CommandRecord {
  const { id } = JSON.parse(String(value)) as { id: string };
  return { id, topic, partition, offset, atMs: Number(timestamp) };
}

function toResult(_topic: string, _partition: number, { timestamp, value }: KafkaMessage): ResultRecord {
  const { commandId, outcome, source } = JSON.parse(String(value)) as Result;
  return { commandId, outcome, source, atMs: Number(timestamp) };
}

function cutOf({ fault, fromMs, untilMs }: Incident): Cut[] {
  switch (fault.kind) {
    case 'kill':
      return [{ fromMs, untilMs }];
    case 'freeze':
      return [{ fromMs, untilMs: fromMs + CUT_MS }];
    case 'api':
      // The only outage that cuts off calls which the API had taken.
      return fault.mode === 'refuse' ? [{ fromMs, untilMs: fromMs + CUT_MS }] : [];
    default:
      return [];
  }
}
