import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';

const POLL_MS = 50;

/** The brokers to wait for, and how long. */
export interface ReadinessQuestion {
  /** They are asked in this order until one answers. */
  readonly bootstrap: readonly string[];
  /** The brokers that must be listed as alive, by the address that clients use. */
  readonly alive: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The reason to stop waiting, for instance that a broker has ended; undefined if there is none. */
  readonly fault: () => string | undefined;
}

/**
 * Resolves when a broker describes a cluster that has a controller and contains all of `alive`. Rejects with the
 * signal's reason, with the fault, or after `timeoutMs`.
 */
export async function untilReady(question: ReadinessQuestion): Promise<void> {
  const deadline = performance.now() + question.timeoutMs;
  for (;;) {
    const state = await clusterState(question);
    question.signal.throwIfAborted();
    if (state === 'ready') return;
    const fault = question.fault();
    if (fault !== undefined) throw new Error(fault);
    if (performance.now() > deadline) {
      throw new Error(`Kafka at ${question.bootstrap.join(',')} is not ready after ${question.timeoutMs} ms: ${state}`);
    }
    await sleep(POLL_MS, undefined, { signal: question.signal }).catch(() => question.signal.throwIfAborted());
  }
}

async function clusterState({ bootstrap, alive }: ReadinessQuestion): Promise<string> {
  const admin = new Kafka({
    clientId: 'dev-kafka',
    brokers: [...bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    const listed = new Set(brokers.map(({ host, port }) => `${host}:${port}`));
    const missing = alive.filter((address) => !listed.has(address));
    if (missing.length > 0) return `${missing.join(',')} has not joined`;
    return controller === null ? 'no controller elected' : 'ready';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await admin.disconnect();
  }
}
