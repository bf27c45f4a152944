import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaConfig } from '../../config/config';
import { connectionSettings } from '../client/kafka-client';
import type { Log } from '../../observability/log';
import { CLOSED_REFUSAL, startRefusal } from './start-refusal';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** A load balancer without brokers also closes connections at once, so this is no fault of settings until then. */
const CLOSED_FOR_MS = 10_000;

/**
 * Waits until Kafka answers, however long that takes. Returns null once it has answered. If no wait can help, returns
 * one line that names the settings at fault. kafkajs alone would try a refused certificate for ever, with two log lines
 * each time, and that looks like a broker that is away.
 *
 * @param signal ends the wait, with null
 */
export async function firstContact(config: KafkaConfig, log: Log, signal: AbortSignal): Promise<string | null> {
  let pauseMs = FIRST_PAUSE_MS;
  let closedSinceMs: number | null = null;
  let lastSaid = '';
  while (!signal.aborted) {
    const fault = await tryToConnect(config);
    if (fault === null) return null;
    const refusal = startRefusal(fault);
    if (refusal.kind === 'refused') return refusal.text;
    const nowMs = performance.now();
    closedSinceMs = refusal.kind === 'closed' ? (closedSinceMs ?? nowMs) : null;
    if (closedSinceMs !== null && nowMs - closedSinceMs >= CLOSED_FOR_MS) return CLOSED_REFUSAL;
    // Not at each try: it may last for hours.
    if (fault.message !== lastSaid) log('warn', 'Kafka cannot be reached, to be repeated', { error: fault.message });
    lastSaid = fault.message;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
  }
  return null;
}

/** Makes one connection and one request, since some listeners only refuse requests. Returns null if both succeed. */
async function tryToConnect(config: KafkaConfig): Promise<Error | null> {
  const kafka = new Kafka({ ...connectionSettings(config), logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.describeCluster();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error('unknown');
  } finally {
    await admin.disconnect();
  }
}
