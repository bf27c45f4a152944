import type { Behaviour } from '../../sandbox/behaviour.ts';
import { seededRandom } from '../../sandbox/random.ts';
import type { ReplicaName, TimedFault } from './faults.ts';
import type { Load } from './load.ts';
import {
  brokerKillings,
  clockJumps,
  comingAndGoing,
  crashLoop,
  freezes,
  killings,
  nothing,
  outages,
  redisFaults,
  refusals,
} from './plans.ts';
import type { Plan } from './plans.ts';
import type { Allowed } from './promises.ts';

/** How much is sent, and which faults happen meanwhile. */
export interface Form {
  readonly load: Load;
  readonly plan: Plan;
  /** Settings of the replicas, in addition to the scenario's. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Replicas under load, the faults that they and their surroundings meet, and what is allowed to happen. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** `persistent` keeps its data over a kill. */
  readonly redis: 'none' | 'volatile' | 'persistent';
  /** The replicas that run from the start. */
  readonly replicas: readonly ReplicaName[];
  readonly settings?: Readonly<Record<string, string>>;
  readonly behaviour?: Partial<Behaviour>;
  /** The replicas' clocks can be set. */
  readonly clocks?: boolean;
  readonly long: Form;
  readonly short: Form;
  readonly allowed: (plan: readonly TimedFault[]) => Allowed;
}

export const SESSION_TIMEOUT_MS = 6_000;
export const MAX_IN_FLIGHT = 50;
export const LATENCY_MS = 50;
const API_TIMEOUT_MS = 2_000;
/**
 * The longest stall of a partition that goes from one live replica to another, and of anything that should not be
 * delayed at all. About four times what two cores take for it, and less than a session timeout.
 */
const HAND_OVER_MS = 5_000;
/** The longest stall of a partition whose owner is gone. */
const TAKE_OVER_MS = SESSION_TIMEOUT_MS + HAND_OVER_MS;
/** Without one of Kafka's brokers no figure is promised, only that the service goes on by itself. */
const BROKER_LOSS_MS = 30_000;
/** One kill is over before the next: the promises about the time after a kill hold for each kill by itself. */
const KILLS_APART_MS = 8_000;
/** From the start of one freeze to the start of the next: at least 4 s after the longest freeze has ended. */
const FREEZES_APART_MS = 20_000;
/** The same for refusals by the results topic, which last up to 8 s. */
const REFUSALS_APART_MS = 18_000;
const PROBE_EVERY_MS = 5_000;
/** Until a due probe has gone out and is back, and every partition has had a turn: many times what that takes. */
const PROBE_TAKES_MS = 2_500;
/**
 * The most calls of one replica in the 100 ms after a recovery. The ramp begins with 4 calls at once, 50 ms each, and
 * grows by a quarter with each round trip. That makes 16. Without the ramp there would be {@link MAX_IN_FLIGHT} in each
 * round trip.
 */
const HERD_PER_REPLICA = 32;

const PERFECT: Allowed = {
  repeats: 'none',
  doubts: 'none',
  repeatsResults: false,
  partitionStallMs: HAND_OVER_MS,
};

/** Calls that were on the wire when a replica was cut off may be repeated. */
const CUT_OFF: Allowed = { ...PERFECT, repeats: 'on the wire', repeatsResults: true, partitionStallMs: TAKE_OVER_MS };
/** Without Redis, calls that Kafka had not acknowledged yet may be repeated too. */
const CUT_OFF_WITHOUT_REDIS: Allowed = { ...CUT_OFF, repeats: 'unacknowledged' };

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'handover',
    about: 'replicas come and go under load',
    redis: 'none',
    replicas: ['a'],
    long: { load: { count: 20_000, perSecond: 400 }, plan: comingAndGoing(2, 5_000) },
    short: { load: { count: 6_000, perSecond: 300 }, plan: comingAndGoing(1, 4_000) },
    allowed: () => PERFECT,
  },
  {
    name: 'kills',
    about: 'one of two replicas is killed, again and again',
    redis: 'volatile',
    replicas: ['a', 'b'],
    long: { load: { count: 20_000, perSecond: 220 }, plan: killings(10, KILLS_APART_MS) },
    short: { load: { count: 5_000, perSecond: 300 }, plan: killings(2, 5_500) },
    allowed: () => CUT_OFF,
  },
  {
    name: 'kills-at-most-once',
    about: 'the same, with at-most-once',
    redis: 'volatile',
    replicas: ['a', 'b'],
    settings: { DEFAULT_DELIVERY: 'at-most-once' },
    long: { load: { count: 20_000, perSecond: 220 }, plan: killings(10, KILLS_APART_MS) },
    short: { load: { count: 5_000, perSecond: 300 }, plan: killings(2, 5_500) },
    allowed: () => ({ ...CUT_OFF, repeats: 'none', doubts: 'on the wire' }),
  },
  {
    name: 'kills-memory',
    about: 'the same, without Redis',
    redis: 'none',
    replicas: ['a', 'b'],
    long: { load: { count: 20_000, perSecond: 220 }, plan: killings(10, KILLS_APART_MS) },
    short: { load: { count: 5_000, perSecond: 300 }, plan: killings(2, 5_500) },
    allowed: () => CUT_OFF_WITHOUT_REDIS,
  },
  {
    name: 'crash-loop',
    about: 'one of two replicas is killed every 3 s',
    redis: 'none',
    replicas: ['a', 'b'],
    long: { load: { count: 24_000, perSecond: 350 }, plan: crashLoop(20, 3_000) },
    short: { load: { count: 4_500, perSecond: 300 }, plan: crashLoop(4, 3_000) },
    allowed: () => ({ ...CUT_OFF_WITHOUT_REDIS, topicStallMs: HAND_OVER_MS }),
  },
  {
    name: 'brokers',
    about: 'brokers are killed one after another, a group coordinator and the leader of results among them',
    redis: 'volatile',
    replicas: ['a', 'b'],
    long: {
      load: { count: 30_000, perSecond: 300 },
      plan: brokerKillings(['coordinator', 'results-leader'], 12_000, 5_000),
    },
    short: { load: { count: 8_000, perSecond: 300 }, plan: brokerKillings(['coordinator'], 3_000, 3_000) },
    allowed: () => ({ ...PERFECT, repeatsResults: true, partitionStallMs: BROKER_LOSS_MS }),
  },
  {
    name: 'zombie',
    about: 'replicas are frozen for longer than the session timeout, and wake up',
    redis: 'none',
    replicas: ['a', 'b'],
    long: { load: { count: 31_000, perSecond: 350 }, plan: freezes(3, FREEZES_APART_MS, SESSION_TIMEOUT_MS) },
    short: { load: { count: 5_000, perSecond: 300 }, plan: freezes(1, 4_000, SESSION_TIMEOUT_MS) },
    allowed: () => ({ ...CUT_OFF_WITHOUT_REDIS, topicStallMs: HAND_OVER_MS }),
  },
  {
    name: 'zombies',
    about: 'the next one is frozen before the last one is back: at times there is nobody to go on',
    redis: 'none',
    replicas: ['a', 'b'],
    long: { load: { count: 24_000, perSecond: 350 }, plan: freezes(4, 6_000, SESSION_TIMEOUT_MS) },
    short: { load: { count: 8_500, perSecond: 300 }, plan: freezes(2, 4_000, SESSION_TIMEOUT_MS) },
    allowed: () => ({ ...CUT_OFF_WITHOUT_REDIS, partitionStallMs: null }),
  },
  {
    name: 'redis',
    about:
      'Redis is killed and frozen; one topic asks for at-most-once, which waits, and two for at-least-once, which go on',
    redis: 'persistent',
    replicas: ['a', 'b'],
    long: {
      load: { count: 20_000, perSecond: 400, delivery: { 'commands.messenger': 'at-most-once' } },
      plan: redisFaults(5, 6_000),
    },
    short: {
      load: { count: 5_000, perSecond: 300, delivery: { 'commands.messenger': 'at-most-once' } },
      plan: redisFaults(2, 3_000),
    },
    allowed: (plan) => ({
      ...PERFECT,
      partitionStallMs: longestOf(plan) + HAND_OVER_MS,
      topicStallMs: HAND_OVER_MS,
      stallTopics: ['commands.whatsapp', 'commands.whatsapp.bulk'],
    }),
  },
  {
    name: 'api',
    about: 'the API is away, in every way in which it can be',
    redis: 'none',
    replicas: ['a', 'b'],
    long: {
      load: { count: 80_000, perSecond: 300 },
      plan: outages(['refuse', 'reset', 'hang', '503'], 26_000, 10_000, 120_000),
      settings: { MESSAGES_API_TIMEOUT_MS: String(API_TIMEOUT_MS) },
    },
    short: {
      load: { count: 20_000, perSecond: 300 },
      plan: outages(['refuse', '503'], 16_000, 5_000, 5_000),
      // A slow machine has fewer failures a second: its circuit may open only after 10 s without a success.
      settings: { RETRY_MAX_ATTEMPTS: '20' },
    },
    allowed: () => ({
      ...PERFECT,
      repeats: 'on the wire',
      partitionStallMs: null,
      resumedWithinMs: PROBE_EVERY_MS + PROBE_TAKES_MS,
      herd: 2 * HERD_PER_REPLICA,
    }),
  },
  {
    name: 'results-refused',
    about: 'the results topic refuses writes, as with a full disk',
    redis: 'none',
    replicas: ['a', 'b'],
    long: { load: { count: 27_000, perSecond: 350 }, plan: refusals(3, REFUSALS_APART_MS) },
    short: { load: { count: 4_500, perSecond: 300 }, plan: refusals(1, 4_000) },
    allowed: (plan) => ({ ...PERFECT, repeatsResults: true, partitionStallMs: longestOf(plan) + HAND_OVER_MS }),
  },
  {
    name: 'clock',
    about: 'wall clocks jump an hour ahead and an hour back',
    redis: 'volatile',
    replicas: ['a', 'b'],
    clocks: true,
    long: { load: { count: 24_000, perSecond: 350 }, plan: clockJumps(9_000) },
    short: { load: { count: 9_000, perSecond: 300 }, plan: clockJumps(4_000) },
    allowed: () => PERFECT,
  },
  {
    name: 'duplicates',
    about: 'a campaign is produced twice: its commands are called once, and each record has a result',
    redis: 'volatile',
    replicas: ['a', 'b'],
    long: { load: { count: 10_000, perSecond: 500, copies: 2 }, plan: nothing },
    short: { load: { count: 2_000, perSecond: 300, copies: 2 }, plan: nothing },
    allowed: () => PERFECT,
  },
];

/** The faults of a scenario. Only the seed decides them. */
export function planOf({ plan }: Form, seed: number): readonly TimedFault[] {
  return plan(seededRandom(seed));
}

function longestOf(plan: readonly TimedFault[]): number {
  return Math.max(0, ...plan.map(({ fault }) => ('forMs' in fault ? fault.forMs : 0)));
}
