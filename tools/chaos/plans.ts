import type { Random } from '../../sandbox/random.ts';
import type { Outage } from '../../sandbox/behaviour.ts';
import type { BrokerChoice, Fault, ReplicaName, TimedFault } from './faults.ts';

/** Decides all faults before the first one happens. The same random numbers give the same plan. */
export type Plan = (random: Random) => readonly TimedFault[];

const HOUR_MS = 3_600_000;

/**
 * Replicas b and c join, then a leaves, then another one: 1 → 3 → 2 → 1 replicas, `rounds` times, with a step every few
 * seconds.
 */
export function comingAndGoing(rounds: number, everyMs: number): Plan {
  return (random) => {
    const steps: Fault[] = [];
    let running: ReplicaName[] = ['a'];
    for (let round = 0; round < rounds; round++) {
      for (const replica of shuffled(random, others(running))) steps.push({ kind: 'start', replica });
      running = ['a', 'b', 'c'];
      for (const replica of shuffled(random, running).slice(0, 2)) {
        steps.push({ kind: 'stop', replica });
        running = running.filter((name) => name !== replica);
      }
    }
    return spaced(random, everyMs, steps);
  };
}

/** One of two replicas is killed, so many times. Chance decides which one. */
export function killings(count: number, everyMs: number): Plan {
  return (random) =>
    spaced(
      random,
      everyMs,
      repeated(count, (): Fault => ({ kind: 'kill', replica: pick(random, ['a', 'b']) })),
    );
}

/** The same replica is killed each time, at even distances. */
export function crashLoop(count: number, everyMs: number): Plan {
  return () => repeated(count, (n): TimedFault => ({ atMs: (n + 1) * everyMs, fault: { kind: 'kill', replica: 'b' } }));
}

/** Brokers are killed one after another: first those with a role, then the others in any order. */
export function brokerKillings(roles: readonly BrokerChoice[], everyMs: number, forMs: number): Plan {
  return (random) =>
    spaced(
      random,
      everyMs,
      [...roles, ...shuffled(random, [0, 1, 2])].map((which): Fault => ({ kind: 'broker', which, forMs })),
    );
}

/** Replicas a and b freeze in turn, each for longer than the session timeout. */
export function freezes(count: number, everyMs: number, sessionMs: number): Plan {
  return (random) => {
    const first = random() < 0.5 ? 0 : 1;
    return spaced(
      random,
      everyMs,
      repeated(count, (n) => ({
        kind: 'freeze',
        replica: (n + first) % 2 === 0 ? 'a' : 'b',
        forMs: between(random, sessionMs + 2_000, sessionMs + 5_000),
      })),
    );
  };
}

/** Redis is killed and frozen in turn. */
export function redisFaults(count: number, everyMs: number): Plan {
  return (random) =>
    spaced(
      random,
      everyMs,
      repeated(count, (n) => ({
        kind: 'redis',
        how: n % 2 === 0 ? 'kill' : 'freeze',
        forMs: between(random, 2_000, 4_000),
      })),
    );
}

/** Outages of the API: one in each mode, and a last one in any mode. */
export function outages(modes: readonly Outage['mode'][], everyMs: number, forMs: number, lastMs: number): Plan {
  return (random) => {
    const all = [
      ...shuffled(random, modes).map((mode) => ({ mode, forMs })),
      { mode: pick(random, modes), forMs: lastMs },
    ];
    return spaced(
      random,
      everyMs,
      all.map((outage): Fault => ({ kind: 'api', ...outage })),
    );
  };
}

/** The results topic refuses writes. */
export function refusals(count: number, everyMs: number): Plan {
  return (random) =>
    spaced(
      random,
      everyMs,
      repeated(count, () => ({ kind: 'results-refused', forMs: between(random, 4_000, 8_000) })),
    );
}

/** Clocks jump an hour ahead, an hour back, then right again. The seed decides whose clocks, and in which order. */
export function clockJumps(everyMs: number): Plan {
  return (random) => {
    const jumps = shuffled(random, [HOUR_MS, -HOUR_MS]);
    const steps = shuffled(random, ['a', 'b'] as const).flatMap((replica) =>
      [...jumps, 0].map((offByMs): Fault => ({ kind: 'clock', replica, offByMs })),
    );
    return spaced(random, everyMs, steps);
  };
}

/** No fault happens. */
export const nothing: Plan = () => [];

/** Steps about `everyMs` apart: a quarter more or less. */
function spaced(random: Random, everyMs: number, steps: readonly Fault[]): TimedFault[] {
  let atMs = 0;
  return steps.map((fault) => {
    atMs += between(random, everyMs * 0.75, everyMs * 1.25);
    return { atMs, fault };
  });
}

function others(running: readonly ReplicaName[]): ReplicaName[] {
  return (['a', 'b', 'c'] as const).filter((name) => !running.includes(name));
}

function repeated<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

function between(random: Random, from: number, to: number): number {
  return Math.round(from + random() * (to - from));
}

function pick<T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T {
  const picked = list[Math.floor(random() * list.length)];
  if (picked === undefined) throw new RangeError('nothing to pick from');
  return picked;
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
