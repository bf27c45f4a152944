import { tmpdir } from 'node:os';
import { chooseSource } from './choose-source.ts';
import type { Source } from './choose-source.ts';
import type { Broker, DevKafka, Fleet, LaunchPlan, Log, Security } from './dev-kafka.ts';
import { launchJava } from './java-fleet.ts';
import { announceIfSlow } from './progress.ts';
import { projectRoot } from './project-root.ts';
import { untilReady } from './until-ready.ts';

const READY_TIMEOUT_MS = 60_000;
const EXISTING_TIMEOUT_MS = 15_000;
const NO_SECURITY: Security = { listeners: {}, scramUsers: {} };

/** Options of {@link startKafka}. All are optional. */
export interface StartKafkaOptions {
  /**
   * Number of brokers; default 1. Three replicate everything and require two in-sync replicas. No effect on an existing
   * Kafka.
   */
  readonly brokers?: 1 | 3;
  /** Default true: the JVM starts faster, but never reaches its top speed. Measurements use false. */
  readonly fastStart?: boolean;
  /** Broker properties; they replace the usual ones or add to them. No effect on an existing Kafka. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Listeners with TLS or SASL, and their users; default none. Rejects if brokers do not run on Java. */
  readonly security?: Security;
  /** Default: this project's folder, at or above the working directory. */
  readonly root?: string;
  /**
   * Default: the system's folder. Java's brokers keep their data there and remove them when they stop; containers keep
   * their own.
   */
  readonly temporaryFolder?: string;
  readonly log?: Log;
  /**
   * Stops the start: `startKafka` then cleans up and rejects with the signal's reason. Does not end a Kafka that runs.
   */
  readonly signal?: AbortSignal;
}

/**
 * Starts a Kafka for tests, demo and benchmark, and resolves when it is ready for clients. It is the Kafka of
 * `KAFKA_BROKERS`, else one in Docker, else one on this machine's Java. `DEV_KAFKA=docker` or `DEV_KAFKA=java` forces
 * one way. It does not create topics by itself. A Kafka started here ends with this process, even if this process is
 * killed. If nothing can be started, it rejects and says what to install.
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<DevKafka> {
  const plan: LaunchPlan = {
    brokerCount: options.brokers ?? 1,
    fastStart: options.fastStart ?? true,
    properties: options.properties ?? {},
    security: options.security ?? NO_SECURITY,
    root: options.root ?? projectRoot(),
    temporaryFolder: options.temporaryFolder ?? tmpdir(),
    log: options.log ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
  };
  try {
    plan.signal.throwIfAborted();
    return await start(plan);
  } catch (error) {
    // An interrupted step rejects with an AbortError of its own, not with the signal's reason.
    plan.signal.throwIfAborted();
    throw error;
  }
}

async function start(plan: LaunchPlan): Promise<DevKafka> {
  const source = await chooseSource(plan.root);
  if (source.kind !== 'java' && plan.security !== NO_SECURITY) {
    throw new Error('brokers with security run on Java alone: set DEV_KAFKA=java');
  }
  if (source.kind === 'existing') return useExisting(source.brokers, plan);

  const fleet = await launch(source, plan);
  try {
    const all = fleet.brokers.map(({ address }) => address);
    const ready = Promise.all(fleet.brokers.map((broker) => brokerReady(broker, all, plan.signal)));
    await announceIfSlow(plan.log, `waiting for Kafka at ${all.join(',')}`, ready);
  } catch (error) {
    await fleet.remove();
    throw error;
  }
  return controlled(source.kind, fleet);
}

async function launch(source: Exclude<Source, { kind: 'existing' }>, plan: LaunchPlan): Promise<Fleet> {
  switch (source.kind) {
    case 'docker': {
      // It takes half a second to load, so it is loaded only if it is used.
      const { launchDocker } = await import('./docker-fleet.ts');
      return announceIfSlow(
        plan.log,
        'starting Kafka in Docker (the first time, its image is downloaded)',
        launchDocker(plan),
      );
    }
    case 'java':
      return launchJava(plan, source.java);
  }
}

function brokerReady(broker: Broker, alive: readonly string[], signal: AbortSignal): Promise<void> {
  const fault = (): string | undefined => broker.fault();
  return untilReady({ bootstrap: [broker.address], alive, timeoutMs: READY_TIMEOUT_MS, signal, fault });
}

async function useExisting(brokers: readonly string[], { log, signal }: LaunchPlan): Promise<DevKafka> {
  const question = { bootstrap: brokers, alive: [], timeoutMs: EXISTING_TIMEOUT_MS, signal, fault: () => undefined };
  await announceIfSlow(log, `waiting for Kafka at ${brokers.join(',')} (KAFKA_BROKERS)`, untilReady(question));
  const refuse = (): Promise<never> =>
    Promise.reject(
      new Error('the Kafka of KAFKA_BROKERS is not controlled from here: unset it to have brokers started'),
    );
  return {
    brokers,
    listeners: {},
    kind: 'existing',
    canControl: false,
    stop: () => Promise.resolve(),
    killBroker: refuse,
    stopBroker: refuse,
    startBroker: refuse,
    pauseBroker: refuse,
    resumeBroker: refuse,
  };
}

function controlled(kind: 'docker' | 'java', fleet: Fleet): DevKafka {
  const stopping = new AbortController();
  let removal: Promise<void> | undefined;
  const withBroker = async (index: number, action: (broker: Broker) => Promise<void>): Promise<void> => {
    stopping.signal.throwIfAborted();
    const broker = fleet.brokers[index];
    if (broker === undefined) throw new RangeError(`no broker ${index}, there are ${fleet.brokers.length}`);
    await action(broker);
  };
  return {
    brokers: fleet.brokers.map(({ address }) => address),
    listeners: byListener(fleet.brokers),
    kind,
    canControl: true,
    stop: () => {
      stopping.abort(new Error('this Kafka has been stopped'));
      return (removal ??= fleet.remove());
    },
    killBroker: (index, signal = 'SIGKILL') => withBroker(index, (broker) => broker.kill(signal)),
    stopBroker: (index) => withBroker(index, (broker) => broker.stop()),
    startBroker: (index) =>
      withBroker(index, async (broker) => {
        await broker.start();
        await brokerReady(broker, [broker.address], stopping.signal);
      }),
    pauseBroker: (index) => withBroker(index, (broker) => broker.pause()),
    resumeBroker: (index) => withBroker(index, (broker) => broker.resume()),
  };
}

function byListener(brokers: readonly Broker[]): Record<string, string[]> {
  const names = Object.keys(brokers[0]?.listeners ?? {});
  return Object.fromEntries(names.map((name) => [name, brokers.map(({ listeners }) => listeners[name] ?? '')]));
}
