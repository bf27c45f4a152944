import { setTimeout as sleep } from 'node:timers/promises';
import { RESULTS_CONFIGS } from './bed.ts';
import type { ChaosBed } from './bed.ts';
import { describeFault } from './faults.ts';
import type { BrokerChoice, Fault, Incident, ReplicaName, TimedFault } from './faults.ts';
import { allInSync, coordinatorIndex, firstLeaderIndex, setTopicConfigs } from './topic-state.ts';

type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>;

const POLL_MS = 200;
const IN_SYNC_TIMEOUT_MS = 60_000;
/**
 * A timestamp limit that every record exceeds when it arrives. It is no use to demand more in-sync replicas than there
 * are copies: Kafka 4 demands at most as many as there are copies.
 */
const REFUSING = { 'message.timestamp.type': 'CreateTime', 'message.timestamp.before.max.ms': '0' };

const DEEDS: {
  readonly [K in Fault['kind']]: (bed: ChaosBed, fault: FaultOf<K>, signal: AbortSignal) => Promise<void>;
} = {
  start: (bed, { replica }) => {
    bed.replica(replica).launch();
    return Promise.resolve();
  },
  stop: async (bed, { replica }, signal) => {
    // A replica that is still starting drains too, but has nothing to hand over.
    await bed.replica(replica).untilReady(signal);
    bed.exitCodes.push(await bed.replica(replica).stop());
  },
  kill: (bed, { replica }) => bed.replica(replica).kill(),
  freeze: async (bed, { replica, forMs }, signal) => {
    bed.replica(replica).freeze();
    try {
      await sleep(forMs, undefined, { signal });
    } finally {
      bed.replica(replica).thaw();
    }
  },
  broker: async (bed, { which, forMs }, signal) => {
    const { kafka } = bed.stage;
    const index = await brokerIndex(bed, which);
    await kafka.killBroker(index);
    await sleep(forMs, undefined, { signal });
    await kafka.startBroker(index);
    await untilInSync(bed, signal);
  },
  redis: async ({ redis }, { how, forMs }, signal) => {
    await (how === 'kill' ? redis.kill() : redis.pause());
    await sleep(forMs, undefined, { signal });
    await (how === 'kill' ? redis.start() : redis.resume());
  },
  api: async ({ sandbox }, { mode, forMs }, signal) => {
    // The outage ends by itself: while the sandbox refuses connections, nobody could tell it to end.
    await sandbox.configure({ outage: { mode, forMs } });
    await sleep(forMs, undefined, { signal });
    while ((await sandbox.report().catch(() => null)) === null) await sleep(POLL_MS / 10, undefined, { signal });
  },
  'results-refused': async ({ admin, results }, { forMs }, signal) => {
    await setTopicConfigs(admin, results, { ...RESULTS_CONFIGS, ...REFUSING });
    await sleep(forMs, undefined, { signal });
    await setTopicConfigs(admin, results, RESULTS_CONFIGS);
  },
  clock: (bed, { replica, offByMs }) => bed.setClock(replica, offByMs),
};

/**
 * Does all faults, one after another, each at its time or when the one before it is done. Resolves to the faults with
 * their times.
 */
export async function inject(bed: ChaosBed, plan: readonly TimedFault[], signal: AbortSignal): Promise<Incident[]> {
  const { say } = bed.stage;
  const startedMs = performance.now();
  const incidents: Incident[] = [];
  for (const { atMs, fault } of plan) {
    await sleep(Math.max(0, startedMs + atMs - performance.now()), undefined, { signal });
    if (fault.kind === 'kill') await untilOthersReady(bed, fault.replica, signal);
    say(`  ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s  ${describeFault(fault)}`);
    const fromMs = Date.now();
    await perform(bed, fault, signal);
    incidents.push({ fault, fromMs, untilMs: Date.now() });
    if (fault.kind === 'kill') bed.replica(fault.replica).launch();
  }
  return incidents;
}

function perform<K extends Fault['kind']>(bed: ChaosBed, fault: FaultOf<K>, signal: AbortSignal): Promise<void> {
  const kind: K = fault.kind;
  return DEEDS[kind](bed, fault, signal);
}

async function brokerIndex(bed: ChaosBed, which: BrokerChoice): Promise<number> {
  switch (which) {
    case 'coordinator':
      return coordinatorIndex(bed.admin, bed.groupOf(bed.commandTopics[0] ?? ''));
    case 'results-leader':
      return firstLeaderIndex(bed.admin, bed.results);
    default:
      return which;
  }
}

/** At least one replica must run on. */
async function untilOthersReady({ replicas }: ChaosBed, replica: ReplicaName, signal: AbortSignal): Promise<void> {
  for (const other of replicas) if (other.isRunning && other.name !== replica) await other.untilReady(signal);
}

/** Before that, the next killed broker could be the last one with all data. */
async function untilInSync({ admin, topics, stage }: ChaosBed, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + IN_SYNC_TIMEOUT_MS;
  while (!(await allInSync(admin, topics, stage.kafka.brokers.length).catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error('the brokers do not get in sync again');
    await sleep(POLL_MS, undefined, { signal });
  }
}
