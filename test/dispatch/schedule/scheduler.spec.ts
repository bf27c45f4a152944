import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Channel, Lane } from '../../../src/contract/channels';
import { type Limits, LocalRateLimiter } from '../../../src/dispatch/schedule/rate-limiter';
import type { PartitionQueues, Schedulable } from '../../../src/dispatch/schedule/queues';
import { Scheduler } from '../../../src/dispatch/schedule/scheduler';
import { fixedLimits, limitsOf } from '../fixtures';

interface TestJob extends Schedulable {
  readonly id: number;
}

let ids = 0;
function job(fields: Partial<TestJob> = {}): TestJob {
  const key = fields.key ?? 'k-1';
  return { id: ids++, channel: 'whatsapp', lane: 'transactional', workspaceId: 'w-1', recipient: key, ...fields, key };
}

function newScheduler(limits: Limits = fixedLimits): Scheduler<TestJob> {
  return new Scheduler<TestJob>(new LocalRateLimiter(limits));
}

/** Everything that may be sent at `nowMs`, in the order in which it is handed out. */
function handOut(scheduler: Scheduler<TestJob>, nowMs: number): TestJob[] {
  const jobs: TestJob[] = [];
  for (let turn = scheduler.next(nowMs); 'job' in turn; turn = scheduler.next(nowMs)) jobs.push(turn.job);
  return jobs;
}

const once = { count: 1, periodMs: 1000, burst: 1 };

/** Sizes of what a scheduler holds inside; all are 0 where nothing is left behind. */
function leftovers(scheduler: Scheduler<TestJob>, partitions: readonly PartitionQueues<TestJob>[]): number[] {
  const { channels } = scheduler as unknown as {
    channels: { groups: Record<Lane, Map<string, unknown>>; ready: Record<Lane, { length: number }> }[];
  };
  return [
    scheduler.size,
    ...partitions.map(({ keys }) => keys.size),
    ...channels.flatMap(({ groups, ready }) => [
      groups.transactional.size,
      groups.bulk.size,
      ready.transactional.length,
      ready.bulk.length,
    ]),
  ];
}

describe('Scheduler', () => {
  it('hands out the commands of one key one at a time and in order, of other keys side by side', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    const [a1, a2, b1] = [job({ key: 'a' }), job({ key: 'a' }), job({ key: 'b' })];
    for (const each of [a1, a2, b1]) scheduler.add(partition, each);
    expect(handOut(scheduler, 0)).toEqual([a1, b1]);
    scheduler.complete(partition, a1);
    expect(handOut(scheduler, 0)).toEqual([a2]);
  });

  it('takes the same key on two partitions for two', () => {
    const scheduler = newScheduler();
    for (const partition of [scheduler.openPartition(), scheduler.openPartition()]) scheduler.add(partition, job());
    expect(handOut(scheduler, 0)).toHaveLength(2);
  });

  it('chooses the transactional lane of a channel before its bulk lane', () => {
    const scheduler = newScheduler();
    const bulk = job({ lane: 'bulk', key: 'b' });
    const transactional = job({ key: 't' });
    scheduler.add(scheduler.openPartition(), bulk);
    scheduler.add(scheduler.openPartition(), transactional);
    expect(handOut(scheduler, 0)).toEqual([transactional, bulk]);
  });

  it('gives the bulk lane one turn in five of its channel while the transactional one has more to send', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    for (let n = 0; n < 30; n++) {
      scheduler.add(partition, job({ lane: 'bulk', key: `b-${n}` }));
      scheduler.add(partition, job({ key: `t-${n}` }));
    }
    const lanes = handOut(scheduler, 0).map(({ lane }) => lane);
    const bulkTurns = lanes.flatMap((lane, turn) => (lane === 'bulk' ? [turn] : []));
    expect(bulkTurns.slice(0, 4)).toEqual([4, 9, 14, 19]);
    expect(lanes.lastIndexOf('transactional')).toBe(36);
  });

  it('leaves the bulk lane no more than its turn of a limit, and gives it what the transactional one leaves', () => {
    const limit = { count: 10, periodMs: 1000, burst: 1 };
    const scheduler = newScheduler(limitsOf({ channel: limit }));
    const partition = scheduler.openPartition();
    for (let n = 0; n < 100; n++) {
      scheduler.add(partition, job({ lane: 'bulk', key: `b-${n}` }));
      if (n < 40) scheduler.add(partition, job({ key: `t-${n}` }));
    }
    const bulkBy = (fromMs: number, untilMs: number): number => {
      let count = 0;
      for (let nowMs = fromMs; nowMs < untilMs; nowMs += 100) {
        count += handOut(scheduler, nowMs).filter(({ lane }) => lane === 'bulk').length;
      }
      return count;
    };
    expect(bulkBy(0, 4_000)).toBe(8);
    expect(bulkBy(4_000, 8_000)).toBeGreaterThan(30);
  });

  it('lets channels take turns', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    for (const channel of ['whatsapp', 'whatsapp', 'whatsapp', 'telegram', 'telegram'] as Channel[]) {
      scheduler.add(partition, job({ channel, key: `k-${ids}` }));
    }
    expect(handOut(scheduler, 0).map(({ channel }) => channel)).toEqual([
      'whatsapp',
      'telegram',
      'whatsapp',
      'telegram',
      'whatsapp',
    ]);
  });

  it('lets workspaces take turns, however much one of them has waiting', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    for (const workspaceId of ['w-1', 'w-1', 'w-1', 'w-2', 'w-3', 'w-2']) {
      scheduler.add(partition, job({ workspaceId, key: `k-${ids}` }));
    }
    expect(handOut(scheduler, 0).map(({ workspaceId }) => workspaceId)).toEqual([
      'w-1',
      'w-2',
      'w-3',
      'w-1',
      'w-2',
      'w-1',
    ]);
  });

  it('follows a key whose next command belongs to another workspace', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    const [first, second] = [job(), job({ workspaceId: 'w-2' })];
    scheduler.add(partition, first);
    scheduler.add(partition, second);
    expect(handOut(scheduler, 0)).toEqual([first]);
    scheduler.pauseWorkspace('whatsapp', 'w-1', 1000, 0);
    scheduler.complete(partition, first);
    expect(handOut(scheduler, 0)).toEqual([second]);
  });

  it.each([
    ['channel', { workspaceId: 'w-2', recipient: 'r-2' }, { channel: 'telegram' as const }],
    ['workspace', { recipient: 'r-2' }, { workspaceId: 'w-2' }],
    ['recipient', { workspaceId: 'w-2' }, { recipient: 'r-2' }],
    ['recipient', {}, { recipient: 'r-2' }],
  ] as const)(
    'holds back with a limit of the %s only what it covers, and says for how long',
    (scope, covered, free) => {
      const scheduler = newScheduler(limitsOf({ [scope]: once }));
      const partition = scheduler.openPartition();
      const same = { recipient: 'r-1' };
      const [first, held, passes] = [
        job({ key: 'a', ...same }),
        job({ key: 'b', ...same, ...covered }),
        job({ key: 'c', ...same, ...free }),
      ];
      for (const each of [first, held, passes]) scheduler.add(partition, each);
      expect(handOut(scheduler, 0)).toEqual([first, passes]);
      expect(scheduler.next(250)).toEqual({ waitMs: 750 });
      expect(handOut(scheduler, 1000)).toEqual([held]);
    },
  );

  it('lets a command that sends nothing pass every limit and pause of its workspace', () => {
    const silent = job({ key: 'silent' });
    const scheduler = new Scheduler<TestJob>(
      new LocalRateLimiter(limitsOf({ workspace: once })),
      (each) => each === silent,
    );
    const partition = scheduler.openPartition();
    scheduler.pauseWorkspace('whatsapp', 'w-1', 1000, 0);
    scheduler.add(partition, silent);
    expect(handOut(scheduler, 0)).toEqual([silent]);
  });

  it('holds back a paused workspace on that channel alone, until the latest instant given', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    const [paused, elsewhere, other] = [
      job({ key: 'a' }),
      job({ key: 'b', channel: 'telegram' }),
      job({ key: 'c', workspaceId: 'w-2' }),
    ];
    for (const each of [paused, elsewhere, other]) scheduler.add(partition, each);
    scheduler.pauseWorkspace('whatsapp', 'w-1', 2000, 0);
    scheduler.pauseWorkspace('whatsapp', 'w-1', 1000, 0);
    expect(new Set(handOut(scheduler, 0))).toEqual(new Set([elsewhere, other]));
    expect(handOut(scheduler, 1999)).toEqual([]);
    expect(handOut(scheduler, 2000)).toEqual([paused]);
  });

  it('keeps the turn of a key while its first command waits for a retry', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    const [first, second] = [job(), job()];
    scheduler.add(partition, first);
    scheduler.add(partition, second);
    scheduler.next(0);
    scheduler.retryAt(partition, first, 500);
    expect(scheduler.next(0)).toEqual({ waitMs: 500 });
    expect(handOut(scheduler, 500)).toEqual([first]);
  });

  it('hands a hastened retry out at once, and not a second time when its wait would have ended', () => {
    const scheduler = newScheduler();
    const partition = scheduler.openPartition();
    const first = job();
    scheduler.add(partition, first);
    scheduler.next(0);
    scheduler.retryAt(partition, first, 500);
    scheduler.hasten(partition, first);
    expect(handOut(scheduler, 0)).toEqual([first]);
    scheduler.retryAt(partition, first, 900);
    expect(handOut(scheduler, 500)).toEqual([]);
    expect(handOut(scheduler, 900)).toEqual([first]);
    expect(handOut(scheduler, 2000)).toEqual([]);
  });

  it('gives up everything of a partition but what is handed out', () => {
    const scheduler = newScheduler();
    const [lost, kept] = [scheduler.openPartition(), scheduler.openPartition()];
    const [out, behind, other] = [job({ key: 'a' }), job({ key: 'a' }), job({ key: 'x' })];
    scheduler.add(lost, out);
    scheduler.add(lost, behind);
    scheduler.add(kept, other);
    expect(handOut(scheduler, 0)).toEqual([out, other]);
    const waiting = job({ key: 'b' });
    scheduler.add(lost, waiting);
    expect(new Set(scheduler.discardWaiting(lost))).toEqual(new Set([behind, waiting]));
    expect(scheduler.size).toBe(2);
    scheduler.complete(lost, out);
    scheduler.complete(kept, other);
    expect(handOut(scheduler, 0)).toEqual([]);
    expect(leftovers(scheduler, [lost, kept]).every((size) => size === 0)).toBe(true);
  });

  const anyJob = fc.record({
    channel: fc.constantFrom<Channel[]>('whatsapp', 'telegram', 'messenger'),
    lane: fc.constantFrom<Lane[]>('transactional', 'bulk'),
    workspaceId: fc.constantFrom('w-1', 'w-2', 'w-3'),
    recipient: fc.constantFrom('r-1', 'r-2', 'r-3', 'r-4'),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  });
  const anyStep = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), job: anyJob }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('next' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('complete' as const), pick: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), pick: fc.nat(), inMs: fc.nat(500) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('hasten' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), job: anyJob, forMs: fc.nat(500) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(300) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('discard' as const), pick: fc.nat() }) },
  );
  const anyLimit = fc.option(
    fc.record({
      count: fc.integer({ min: 1, max: 20 }),
      periodMs: fc.constant(1000),
      burst: fc.integer({ min: 1, max: 3 }),
    }),
  );
  const anyLimits = fc.record({ channel: anyLimit, workspace: anyLimit, recipient: anyLimit });

  it('keeps every key in order and one at a time, and hands out or gives up everything exactly once, under any schedule', () => {
    fc.assert(
      fc.property(anyLimits, fc.array(anyStep, { maxLength: 250 }), (limits, steps) => {
        const all = { whatsapp: limits, telegram: limits, messenger: limits, instagram: limits };
        const scheduler = newScheduler(all);
        // As on Kafka: a partition has one channel and one lane.
        const partitions = new Map<string, PartitionQueues<TestJob>>();
        const queued = new Map<string, TestJob[]>();
        const homes = new Map<TestJob, string>();
        const out = new Set<TestJob>();
        const waiting = new Set<TestJob>();
        let ended = 0;
        let added = 0;
        let nowMs = 0;
        const partitionOf = (name: string): PartitionQueues<TestJob> => {
          const known = partitions.get(name) ?? scheduler.openPartition();
          partitions.set(name, known);
          return known;
        };
        const homeOf = (each: TestJob): PartitionQueues<TestJob> => partitionOf(homes.get(each) ?? '');
        const queueOf = (each: TestJob): TestJob[] => {
          const name = `${homes.get(each)}/${each.key}`;
          const queue = queued.get(name) ?? [];
          queued.set(name, queue);
          return queue;
        };
        const take = (): boolean => {
          const turn = scheduler.next(nowMs);
          if (!('job' in turn)) {
            assert(turn.waitMs >= 0);
            return false;
          }
          assert.equal(queueOf(turn.job)[0], turn.job);
          assert(!out.has(turn.job));
          waiting.delete(turn.job);
          out.add(turn.job);
          return true;
        };
        const complete = (each: TestJob): void => {
          out.delete(each);
          queueOf(each).shift();
          ended++;
          scheduler.complete(homeOf(each), each);
        };
        const pickOf = (set: ReadonlySet<TestJob>, pick: number): TestJob | undefined =>
          [...set][pick % Math.max(1, set.size)];

        for (const step of steps) {
          switch (step.do) {
            case 'add': {
              const each = job(step.job);
              homes.set(each, `${each.channel}/${each.lane}`);
              queueOf(each).push(each);
              scheduler.add(homeOf(each), each);
              added++;
              break;
            }
            case 'next':
              take();
              break;
            case 'complete': {
              const each = pickOf(out, step.pick);
              if (each !== undefined) complete(each);
              break;
            }
            case 'retry': {
              const each = pickOf(out, step.pick);
              if (each === undefined) break;
              out.delete(each);
              waiting.add(each);
              scheduler.retryAt(homeOf(each), each, nowMs + step.inMs);
              break;
            }
            case 'hasten': {
              const each = pickOf(waiting, step.pick);
              if (each !== undefined) scheduler.hasten(homeOf(each), each);
              break;
            }
            case 'pause':
              scheduler.pauseWorkspace(step.job.channel, step.job.workspaceId, nowMs + step.forMs, nowMs);
              break;
            case 'pass':
              nowMs += step.ms;
              break;
            case 'discard': {
              const name = [...partitions.keys()][step.pick % Math.max(1, partitions.size)];
              if (name === undefined) break;
              const expected = [...queued]
                .filter(([queue]) => queue.startsWith(`${name}/`))
                .flatMap(([, queue]) => queue);
              const discarded = scheduler.discardWaiting(partitionOf(name));
              assert.deepEqual(new Set(discarded), new Set(expected.filter((each) => !out.has(each))));
              for (const each of discarded) {
                queueOf(each).splice(queueOf(each).indexOf(each), 1);
                waiting.delete(each);
                ended++;
              }
            }
          }
          expect(scheduler.size).toBe(added - ended);
        }

        for (let rounds = 0; scheduler.size > 0 && rounds < 20_000; rounds++) {
          if (take()) continue;
          const [each] = out;
          if (each === undefined) {
            const turn = scheduler.next(nowMs);
            if ('job' in turn) throw new Error('a command after there was none');
            assert(turn.waitMs < Infinity);
            nowMs += Math.max(turn.waitMs, 1e-9);
          } else complete(each);
        }
        expect(ended).toBe(added);
        // Paused groups fall away when their pause ends.
        expect(scheduler.next(nowMs + 10_000)).toEqual({ waitMs: Infinity });
        expect(leftovers(scheduler, [...partitions.values()]).every((size) => size === 0)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('chooses among 100,000 limited keys, which would never end if it searched them', () => {
    const scheduler = newScheduler(limitsOf({ recipient: once }));
    const partition = scheduler.openPartition();
    const count = 100_000;
    for (let i = 0; i < count; i++) {
      scheduler.add(partition, job({ key: `k-${i}` }));
      scheduler.add(partition, job({ key: `k-${i}` }));
    }
    for (const nowMs of [0, 500, 1000, 1500])
      for (const each of handOut(scheduler, nowMs)) scheduler.complete(partition, each);
    expect(scheduler.size).toBe(0);
  });
});
