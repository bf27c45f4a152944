import fc from 'fast-check';
import { decodeMetadata } from '../../../src/offsets/commit-metadata';
import { seeded } from '../../dispatch/fixtures';
import { Connection, type Network, SimulatedGroup } from './simulated-group';
import { SimulatedReplica, type Work } from './simulated-replica';
import { ProcessClock, SimulatedTime } from './simulated-time';

const PARTITIONS = [0, 1, 2, 3];
const KEYS = ['a', 'b', 'c'];
const MOST_REPLICAS = 4;
const SESSION_TIMEOUT_MS = 6_000;
const CALL_TIMEOUT_MS = 1_000;

/**
 * The timing that docs/adr/013-handover.md assumes. The margins of the hand-over (2.5 s to release, 5 s to wait) are
 * enough for it:
 *
 * - A call ends within its timeout.
 * - Its result is acknowledged soon after, and one of several tries to commit succeeds.
 * - Members hear of an assignment within 2.5 s of each other. Here it takes up to 1.2 s on the way, and a process may
 *   stand still for 0.8 s.
 * - Commits of one member take effect in the order in which they are sent.
 */
const ASSUMED = { assignmentMs: 1_200, stallMs: 800, settleMs: 200, lostAnswers: 0.04 };

interface Record {
  readonly key: string;
  readonly sends: { readonly by: SimulatedReplica; readonly atMs: number; readonly endMs: number }[];
  isSettled: boolean;
  /** Whether the group's commits say that it is done. */
  isRecorded: boolean;
}

/** Replicas of one group, the events that happen to them, and all violations of the guarantees (`faults`). */
class World {
  readonly faults: string[] = [];
  readonly time = new SimulatedTime(() => this.look());
  readonly log = new Map<number, Record[]>(PARTITIONS.map((partition) => [partition, []]));
  private readonly random: () => number;
  private readonly group: SimulatedGroup;
  private readonly replicas: SimulatedReplica[] = [];
  private isCalm = false;

  constructor(seed: number) {
    this.random = seeded(seed);
    this.group = new SimulatedGroup(this.time, {
      partitions: PARTITIONS,
      assigningMs: () => this.rarely(0.2, 100, 5),
      onCommit: (partition, { offset, metadata }) => this.committed(partition, offset, metadata),
      onExpelled: (memberId) => this.expelled(memberId),
    });
  }

  get alive(): SimulatedReplica[] {
    return this.replicas.filter((replica) => !replica.isKilled && !replica.isLeaving);
  }

  get sends(): number {
    return this.records.reduce((count, { sends }) => count + sends.length, 0);
  }

  get records(): Record[] {
    return [...this.log.values()].flat();
  }

  produce(count: number): void {
    for (let i = 0; i < count; i++) {
      const partition = this.pick(PARTITIONS);
      this.log.get(partition)?.push({ key: this.pick(KEYS), sends: [], isSettled: false, isRecorded: false });
    }
  }

  join(): void {
    if (this.alive.length >= MOST_REPLICAS) return;
    const network: Network = {
      latencyMs: () => 1 + this.random() * 5,
      assignmentMs: () => this.rarely(0.2, ASSUMED.assignmentMs, 10),
      fate: () => this.fate(),
    };
    const connection = new Connection(this.time, new ProcessClock(this.time), this.group, network);
    this.replicas.push(
      new SimulatedReplica({
        name: `replica ${this.replicas.length}`,
        connection,
        readLog: (partition, from, count) =>
          (this.log.get(partition) ?? [])
            .slice(from, from + count)
            .map(({ key }, index) => ({ offset: from + index, key })),
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        callTimeoutMs: CALL_TIMEOUT_MS,
        connectMs: () => this.rarely(0.1, 100, 2),
        callMs: () => this.rarely(0.3, CALL_TIMEOUT_MS, 150),
        settleMs: () => this.rarely(0.1, ASSUMED.settleMs, 30),
        onSend: (replica, work, callMs) => this.sent(replica, work, callMs),
        onSettled: ({ record }) => void (this.recordOf(record.partition, record.offset).isSettled = true),
      }),
    );
  }

  leave(which: number): void {
    this.alive[which % this.alive.length]?.leave();
  }

  /** @param isRemoved whether its successor removes its members from the group at once */
  kill(which: number, isRemoved: boolean): void {
    const replica = this.alive[which % this.alive.length];
    if (replica === undefined) return;
    replica.kill();
    if (isRemoved) for (const memberId of replica.memberIds) this.group.leave(memberId);
  }

  /** A process stands still: for as short as the assumptions permit, or until the group has given it up. */
  freeze(which: number, forMs: number): void {
    this.alive[which % this.alive.length]?.options.connection.clock.freeze(forMs);
  }

  rebalance(): void {
    this.group.rebalance();
  }

  /** From now on no request is lost. Returns once everything is settled and committed. */
  async finish(): Promise<void> {
    this.isCalm = true;
    if (this.alive.length === 0) this.join();
    const isDone = (): boolean => this.records.every(({ isSettled, isRecorded }) => isSettled && isRecorded);
    await this.time.pass(90_000, isDone);
    if (!isDone()) this.faults.push('not all is settled and committed in the end');
  }

  private sent(by: SimulatedReplica, { record: { partition, offset } }: Work, callMs: number): void {
    const record = this.recordOf(partition, offset);
    const { nowMs } = this.time;
    const earlier = (this.log.get(partition) ?? []).slice(0, offset).filter(({ key }) => key === record.key);
    const isGone = (send: Record['sends'][number]): boolean => send.by.isKilled || send.by.expelledMs >= send.atMs;
    const what = `${partition}/${offset} by ${by.options.name} at ${nowMs}`;
    if (record.isRecorded) this.faults.push(`sent though committed as done: ${what}`);
    if (!record.sends.every(isGone)) this.faults.push(`sent twice while all live: ${what}`);
    if (earlier.some(({ sends }) => sends.length === 0))
      this.faults.push(`sent before an earlier one of its key: ${what}`);
    const ofKey = (this.log.get(partition) ?? []).filter(({ key }) => key === record.key).flatMap(({ sends }) => sends);
    if (ofKey.some((send) => send.endMs > nowMs && !isGone(send)))
      this.faults.push(`two calls of one key at once: ${what}`);
    record.sends.push({ by, atMs: nowMs, endMs: nowMs + callMs });
  }

  private committed(partition: number, offset: number, metadata: string): void {
    const decoded = decodeMetadata(metadata, offset);
    if (decoded.kind !== 'ours') throw new Error(decoded.reason);
    const done = new Set(decoded.done);
    for (const [at, record] of (this.log.get(partition) ?? []).entries()) {
      const isDone = at < offset || done.has(at);
      const what = `${partition}/${at} at ${this.time.nowMs}`;
      if (isDone && !record.isSettled) this.faults.push(`committed before it was settled: ${what}`);
      if (record.isRecorded && !isDone) this.faults.push(`a commit forgets what was committed: ${what}`);
      record.isRecorded ||= isDone;
    }
  }

  private expelled(memberId: string): void {
    for (const replica of this.replicas) if (replica.memberIds.has(memberId)) replica.expelledMs = this.time.nowMs;
  }

  private look(): void {
    for (const partition of PARTITIONS) {
      const owners = this.replicas.filter(
        (replica) =>
          !replica.isKilled && [...replica.sources].some((source) => source.partition === partition && source.maySend),
      );
      if (owners.length > 1) this.faults.push(`two owners of ${partition} at ${this.time.nowMs}`);
    }
  }

  private recordOf(partition: number, offset: number): Record {
    const record = this.log.get(partition)?.[offset];
    if (record === undefined) throw new Error(`${partition}/${offset} was never produced`);
    return record;
  }

  private fate(): ReturnType<Network['fate']> {
    if (this.isCalm || this.random() >= ASSUMED.lostAnswers) return 'arrives';
    return this.random() < 0.5 ? 'request lost' : 'answer lost';
  }

  private rarely(share: number, mostMs: number, usualMs: number): number {
    return Math.ceil(this.random() * (this.random() < share ? mostMs : usualMs));
  }

  private pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.random() * values.length)] as T;
  }
}

interface Step {
  readonly afterMs: number;
  readonly act: (world: World) => void;
}

const which = fc.nat(MOST_REPLICAS - 1);
const acts: fc.Arbitrary<Step['act']> = fc.oneof(
  { weight: 4, arbitrary: fc.constant((world: World) => world.join()) },
  { weight: 3, arbitrary: which.map((at) => (world: World) => world.leave(at)) },
  {
    weight: 2,
    arbitrary: fc.tuple(which, fc.boolean()).map(
      ([at, isRemoved]) =>
        (world: World) =>
          world.kill(at, isRemoved),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(which, fc.nat(ASSUMED.stallMs)).map(
      ([at, ms]) =>
        (world: World) =>
          world.freeze(at, ms),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(which, fc.nat(10_000)).map(
      ([at, ms]) =>
        (world: World) =>
          world.freeze(at, SESSION_TIMEOUT_MS + 500 + ms),
    ),
  },
  { weight: 2, arbitrary: fc.constant((world: World) => world.rebalance()) },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }).map((count) => (world: World) => world.produce(count)) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(fc.record({ afterMs: fc.oneof(fc.nat(300), fc.nat(3_000)), act: acts }), {
  minLength: 6,
  maxLength: 16,
});

/**
 * By default the same 150 worlds each time. `HANDOVER_RUNS=1000` draws others. About one in 700 of these fails: before its
 * first batch a consumer commits by `commitOffsets`, which kafkajs repeats. If only the answer to a release was lost, the
 * release is written again, perhaps over the claim of the next owner (docs/adr/013-handover.md).
 */
const DRAWN = process.env['HANDOVER_RUNS'];
const RUNS = DRAWN === undefined ? { numRuns: 150, seed: 1 } : { numRuns: Number(DRAWN) };

describe('the hand-over, within the timing that ADR 013 assumes', () => {
  it('never has two owners, forgets no commit, and sends twice only after a kill or a long freeze', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), steps, async (seed, script) => {
        const world = new World(seed);
        world.produce(20);
        world.join();
        for (const { afterMs, act } of script) {
          await world.time.pass(afterMs);
          act(world);
        }
        await world.finish();
        expect([...new Set(world.faults)].slice(0, 5)).toEqual([]);
      }),
      RUNS,
    );
  }, 300_000);
});
