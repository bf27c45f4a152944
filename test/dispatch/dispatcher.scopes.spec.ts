import fc from 'fast-check';
import { type Channel, CHANNELS } from '../../src/contract/channels';
import { isApiFailure } from '../../src/dispatch/api-health/answer';
import type { Job } from '../../src/dispatch/job';
import type { CallResult } from '../../src/messages-api/call-result';
import {
  ACCEPTED,
  FORBIDDEN,
  type JobFields,
  limited,
  limitsOf,
  REFUSED,
  seeded,
  status,
  TIMED_OUT,
  UNAUTHORIZED,
  World,
} from './fixtures';

/** Commands that are poisonous: how they are marked, what they are answered, and what may become of them. */
interface Poison {
  readonly name: string;
  readonly fields: (n: number, random: () => number) => JobFields;
  readonly answer: CallResult;
  /** How they may have ended; undefined: they wait. */
  readonly ends: readonly (string | undefined)[];
  /** Commands a second. */
  readonly perSecond: number;
  /** As many and no more; Infinity for as long as it lasts. */
  readonly atMost?: number;
}

const LATENCY_MS = 50;
const FOR_MS = 40_000;
/** Until it is found out what is poisoned. */
const DELAY_MS = 10_000;
const isPoison = (job: Job): boolean => job.command.id.startsWith('poison');

/** What the others send. */
interface Load {
  readonly forMs?: number;
  readonly perSecond?: number;
  readonly channels?: readonly Channel[];
}

interface Run {
  readonly world: World;
  readonly poisoned: readonly Job[];
  /** Other commands that had ended by then. */
  readonly ended: number;
  /** How long reading was halted, in steps of 100 ms. */
  readonly haltedMs: number;
}

/** The others: a steady load of three workspaces on every channel, and one workspace with a command now and then. */
async function run(poisons: readonly Poison[], options: Load = {}): Promise<Run> {
  const { forMs = FOR_MS, perSecond = 40, channels = CHANNELS } = options;
  const world = new World({ random: seeded(7), latencyMs: () => LATENCY_MS, maxInFlight: 64 });
  const random = seeded(11);
  const answers = new Map<Job, CallResult>();
  const poisoned: Job[] = [];
  let isPoisoned = false;
  world.answer = (job) => (isPoisoned ? (answers.get(job) ?? ACCEPTED) : ACCEPTED);
  let added = 0;
  let haltedMs = 0;
  const load = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      for (let i = 0; i < perSecond / 10; i++) {
        const channel = channels[added % channels.length] ?? 'whatsapp';
        world.addOne({ id: `good-${added}`, key: `g-${added}`, channel, workspaceId: `good-${added % 3}` });
        added++;
      }
      if (passed % 3_000 === 0) world.addOne({ id: `good-s-${passed}`, key: `s-${passed}`, workspaceId: 'small' });
      for (const poison of isPoisoned ? poisons : []) {
        const due = Math.floor((passed * poison.perSecond) / 1000 + 1e-6);
        const next = Math.floor(((passed + 100) * poison.perSecond) / 1000 + 1e-6);
        for (let n = due; n < Math.min(next, poison.atMost ?? Infinity); n++) {
          const job = world.addOne({
            id: `poison-${poison.name}-${n}`,
            key: `p-${poison.name}-${n}`,
            ...poison.fields(n, random),
          });
          answers.set(job, poison.answer);
          poisoned.push(job);
        }
      }
      await world.pass(100);
      if (world.halts.at(-1) === true) haltedMs += 100;
    }
  };
  await load(2_000);
  isPoisoned = true;
  await load(forMs);
  const ended = [...world.outcomes.keys()].filter((job) => !isPoison(job)).length;
  return { world, poisoned, ended, haltedMs };
}

/** What the others need: 95 % of what they have without the poison, none of them fails, and reading goes on. */
async function judge(poisons: readonly Poison[], options: Load = {}): Promise<Run> {
  const [healthy, meanwhile] = [await run([], options), await run(poisons, options)];
  expect(meanwhile.ended).toBeGreaterThanOrEqual(healthy.ended * 0.95);
  const others = [...meanwhile.world.outcomes].filter(([job]) => !isPoison(job));
  expect(new Set(others.map(([, settled]) => settled[0]?.outcome))).toEqual(new Set(['accepted']));
  for (const poison of poisons) {
    const outcomes = meanwhile.poisoned
      .filter(({ command }) => command.id.startsWith(`poison-${poison.name}-`))
      .map((job) => meanwhile.world.outcomeOf(job));
    expect(outcomes.filter((outcome) => !poison.ends.includes(outcome))).toEqual([]);
  }
  expect(meanwhile.haltedMs).toBeLessThanOrEqual((options.forMs ?? FOR_MS) * 0.05);
  return meanwhile;
}

const waits = [undefined];

/** Poisonous commands of a workspace that is served. */
function atMostInServed({ kind }: CallResult): number {
  if (kind === 'limited') return 0;
  // Before the first of them is known to be alone, each may be a probe in vain: 5 s.
  if (kind === 'unauthorized') return 1;
  // Fewer keys than a circuit needs.
  return 4;
}

describe('One never stops the others', () => {
  it('one command that is answered 401 for ever', async () => {
    const fields = (): JobFields => ({ workspaceId: 'poison' });
    const { world, poisoned } = await judge([
      { name: 'one', fields, answer: UNAUTHORIZED, ends: waits, perSecond: 1, atMost: 1 },
    ]);
    const [job] = poisoned;
    const times = job === undefined ? [] : world.callTimesOf(job);
    expect(times.length).toBeGreaterThanOrEqual(8);
    expect(times.length).toBeLessThanOrEqual(11);
  });

  it('one command that is answered 401 for ever, in a workspace that is served', async () => {
    const fields = (): JobFields => ({ workspaceId: 'good-1' });
    const { world, poisoned } = await judge([
      { name: 'one', fields, answer: UNAUTHORIZED, ends: waits, perSecond: 1, atMost: 1 },
    ]);
    expect([poisoned.length, world.dispatcher.apiHealth.workspacesRefused]).toEqual([1, 0]);
  });

  it('25 commands of one workspace that are answered 403', async () => {
    const fields = (): JobFields => ({ workspaceId: 'poison', lane: 'bulk' });
    const { poisoned } = await judge([
      { name: 'many', fields, answer: FORBIDDEN, ends: ['rejected'], perSecond: 1_000, atMost: 25 },
    ]);
    expect(poisoned).toHaveLength(25);
  });

  it('Telegram has 40 % of the commands and is always answered 503', async () => {
    const fields = (n: number): JobFields => ({ channel: 'telegram', workspaceId: `good-${n % 3}` });
    const world = (
      await judge([{ name: 'telegram', fields, answer: status(503), ends: waits, perSecond: 27 }], {
        channels: ['whatsapp', 'messenger', 'instagram'],
      })
    ).world;
    expect(world.dispatcher.apiHealth.isDown).toBe(false);
  });

  it('one workspace with 23 % of the commands is always answered 500', async () => {
    const fields = (): JobFields => ({ workspaceId: 'poison' });
    const { world } = await judge([
      { name: 'broken', fields, answer: status(500), ends: [undefined, 'failed'], perSecond: 12 },
    ]);
    expect(world.dispatcher.apiHealth.channels).toContainEqual({
      channel: 'whatsapp',
      isOpen: false,
      openWorkspaces: 1,
    });
  });

  it('a workspace with half of all commands is told to wait for an hour', async () => {
    const fields = (): JobFields => ({ workspaceId: 'poison' });
    const { world, poisoned } = await judge([
      { name: 'limited', fields, answer: limited(3_600_000), ends: waits, perSecond: 40 },
    ]);
    expect(world.calls.filter(({ job }) => poisoned.includes(job)).length).toBeLessThanOrEqual(8);
  });

  it('any mix of poisonous commands, workspaces and channels', async () => {
    const answers = [UNAUTHORIZED, FORBIDDEN, status(500), status(503), REFUSED, limited(null), limited(600_000)];
    const poison = fc.record({
      answer: fc.integer({ min: 0, max: answers.length - 1 }),
      channel: fc.constantFrom(...CHANNELS),
      where: fc.constantFrom('one', 'two', 'served'),
      perSecond: fc.integer({ min: 1, max: 20 }),
    });
    const perSecond = 40;
    type Mix = readonly { channel: Channel; answer: number; where: string; perSecond: number }[];
    // If half of a channel fails in several workspaces at once, the channel does: its others wait with them.
    const failsAsWhole = (channel: Channel, mix: Mix): boolean => {
      const failing = mix.filter(
        (each) => each.channel === channel && each.where !== 'served' && isApiFailure(answers[each.answer] ?? REFUSED),
      );
      if (failing.length === 1 && failing[0]?.where === 'one') return false;
      return failing.reduce((sum, each) => sum + each.perSecond, 0) >= perSecond / CHANNELS.length;
    };
    const mixes = fc
      .array(poison, { minLength: 1, maxLength: 4 })
      .filter((mix) => !CHANNELS.some((channel) => failsAsWhole(channel, mix)));
    await fc.assert(
      fc.asyncProperty(mixes, async (mix) => {
        const poisons = mix.map(({ answer, channel, where, perSecond }, i): Poison => {
          const workspace = {
            one: () => `poison-${i}`,
            two: (n: number) => `poison-${i}-${n % 2}`,
            served: () => 'good-1',
          };
          const result = answers[answer] ?? REFUSED;
          return {
            name: `${i}`,
            fields: (n) => ({ channel, workspaceId: workspace[where](n) }),
            answer: result,
            ends: [undefined, 'failed', 'rejected'],
            perSecond,
            atMost: where === 'served' ? atMostInServed(result) : Infinity,
          };
        });
        const { poisoned } = await judge(poisons, { forMs: DELAY_MS * 2, perSecond });
        expect(new Set(poisoned).size).toBe(poisoned.length);
      }),
      { numRuns: Number(process.env['SCOPES_RUNS'] ?? 8) },
    );
  }, 600_000);
});

describe('A channel that fails', () => {
  it('is probed first by a workspace that was served, whatever else waits', async () => {
    const world = new World({ random: () => 0 });
    world.answer = ({ workspaceId }) => (workspaceId === 'good' ? ACCEPTED : status(500));
    world.addOne({ key: 'served', workspaceId: 'good' });
    await world.pass(100);
    world.add(...Array.from({ length: 12 }, (_, i) => ({ key: `k-${i}`, workspaceId: `poison-${i}` })));
    await world.pass(100);
    expect(world.dispatcher.apiHealth.channels).toMatchObject([{ channel: 'whatsapp', isOpen: true }]);
    world.add(...Array.from({ length: 12 }, (_, i) => ({ key: `k-new-${i}`, workspaceId: `poison-${i}` })));
    const good = world.addOne({ key: 'good', workspaceId: 'good' });
    await world.pass(1_000);
    expect(world.outcomeOf(good)).toBe('accepted');
  });
});

describe('A full outage', () => {
  it.each([
    ['refused', REFUSED, 5],
    ['timed out', TIMED_OUT, 10_000],
    ['answered 503', status(503), 50],
  ])(
    'fails nothing, also of workspaces and channels with a handful of commands: calls are %s',
    async (_, result, latencyMs) => {
      const world = new World({ random: seeded(3), latencyMs: () => 20 });
      let added = 0;
      const load = async (ms: number): Promise<void> => {
        for (let passed = 0; passed < ms; passed += 100) {
          for (let i = 0; i < 10; i++) {
            world.addOne({ key: `k-${added}`, workspaceId: i < 6 ? 'big' : `w-${added % 40}` });
            added++;
          }
          if (passed % 5_000 === 0) world.addOne({ key: `t-${added++}`, channel: 'telegram', workspaceId: 'small' });
          await world.pass(100);
        }
      };
      await load(12_000);
      world.answer = () => result;
      world.latencyMs = () => latencyMs;
      await load(30_000);
      expect(world.dispatcher.apiHealth.isDown).toBe(true);
      await world.pass(120_000);
      world.answer = () => ACCEPTED;
      world.latencyMs = () => 20;
      await world.pass(60_000);
      expect(new Set([...world.outcomes.values()].map(([settled]) => settled?.outcome))).toEqual(new Set(['accepted']));
      expect(world.outcomes.size).toBe(added);
    },
    120_000,
  );
});

describe('What makes no call', () => {
  it('takes nothing from a limit: replays, and what another replica holds', async () => {
    const world = new World({ limits: limitsOf({ channel: { count: 100, periodMs: 1000, burst: 5 } }) });
    const fields = (i: number): JobFields => ({ id: `c-${i}`, key: `k-${i}` });
    world.add(...Array.from({ length: 100 }, (_, i) => fields(i)));
    await world.pass(2_000);
    const again: JobFields[] = [];
    for (let i = 0; i < 100; i++) again.push(fields(i), { id: `new-${i}`, key: `n-${i}` });
    const before = world.calls.length;
    world.add(...again);
    await world.pass(1_010);
    expect(world.calls.length - before).toBe(100);
  });

  it('is not sent either if its time has passed when its bytes would leave: it ends as expired', async () => {
    const world = new World();
    world.connectMs = 5_000;
    const job = world.addOne({ expiresAtMs: world.clock.wallMs() + 2_000 });
    await world.pass(6_000);
    expect([world.calls.length, world.outcomeOf(job)]).toEqual([0, 'expired']);
  });
});

describe('Reading', () => {
  it('goes on after a probe in vain while nothing else is in hand, so that another workspace is found', async () => {
    const world = new World({ random: () => 0 });
    world.answer = (job) => (job.workspaceId === 'poison' ? status(503) : ACCEPTED);
    world.add(...Array.from({ length: 25 }, (_, i) => ({ key: `k-${i}`, workspaceId: 'poison' })));
    await world.pass(1_100);
    expect([world.dispatcher.apiHealth.isDown, world.halts]).toEqual([true, [true, false]]);
    const good = world.addOne({ key: 'good', workspaceId: 'good' });
    await world.pass(5_000);
    expect([world.outcomeOf(good), world.dispatcher.apiHealth.isDown, world.halts.at(-1)]).toEqual([
      'accepted',
      false,
      false,
    ]);
  });
});
