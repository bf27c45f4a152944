import { setTimeout as sleep } from 'node:timers/promises';
import type { CallRecord } from '../../sandbox/api.ts';
import type { FaultRule } from '../../sandbox/behaviour.ts';
import type { FaultName } from '../../sandbox/fault-table.ts';
import type { Channel } from '../../src/contract/channels';
import type { SandboxProcess } from '../../tools/lib/sandbox-process.ts';
import { startSandboxProcess, TestBed, type Command } from './harness';

/** What the clocks of both sides and the rounding of timers may differ by. */
const TOLERANCE_MS = 5;
/** By so much a call may be under way longer than the one before it; connecting and a busy machine have their share in it. */
const SLACK_MS = 100;

/** A valid text; its recipient is its ordering key. */
function text(id: string, to: string, workspace = 'w-1', more: object = {}, channel: Channel = 'whatsapp'): Command {
  const request = { contact: { id: to }, workspace: { id: workspace }, textMessage: 'Hello' };
  return { channel, key: to, value: { id, type: 'text', request, ...more } };
}

function rule(keyPrefix: string, fault: FaultName, times?: number): FaultRule {
  return { match: { keyPrefix }, fault, ...(times !== undefined && { times }) };
}

function callsOf(bed: TestBed, holds: (call: CallRecord) => boolean): CallRecord[] {
  return bed.sandbox.calls().filter(holds);
}

describe('a call that fails', () => {
  let bed: TestBed;

  beforeAll(async () => {
    const settings = { RETRY_BASE_DELAY_MS: '20', RETRY_MAX_ATTEMPTS: '5', RETRY_AFTER_MAX_MS: '2000' };
    bed = await TestBed.start({ channels: ['whatsapp', 'messenger'], settings });
  });

  beforeEach(() => bed.sandbox.reset());

  it('twice with 500 is made a third time, and its command accepted', async () => {
    await bed.sandbox.setBehaviour({ faultRules: [rule('twice', 'status500', 2)] });
    const [place] = await bed.produce([text('twice', 'c-twice')]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 3, httpStatus: 200 });
    expect(callsOf(bed, () => true).map(({ status }) => status)).toEqual([500, 500, 200]);
  });

  it.each<[FaultName, number]>([
    ['resetBeforeAcceptance', 1],
    ['status408', 1],
    ['status425', 1],
    ['status503', 1],
    ['resetAfterAcceptance', 2],
  ])('by %s is made again with the same key, so that the API may know it', async (fault, timesAccepted) => {
    await bed.sandbox.setBehaviour({ faultRules: [rule(fault, fault, 1)] });
    const [place] = await bed.produce([text(fault, 'c-again')]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 2 });
    expect(bed.sandbox.accepted(fault)).toBe(timesAccepted);
  });

  it('keeps its key waiting, in order, while other keys go on', async () => {
    await bed.sandbox.setBehaviour({ faultRules: [rule('turn-1', 'status500', 4)] });
    const others = Array.from({ length: 20 }, (_, at) => text(`free-${at}`, `c-free-${at}`));
    const commands = [text('turn-1', 'c-turn'), text('turn-2', 'c-turn'), text('turn-3', 'c-turn'), ...others];
    const places = await bed.produce(commands.map((command) => ({ ...command, partition: 0 })));
    for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    const ofKey = callsOf(bed, ({ recipient }) => recipient === 'c-turn');
    expect(ofKey.map(({ key, status }) => `${key} ${status}`)).toEqual([
      ...Array.from({ length: 4 }, () => 'turn-1 500'),
      'turn-1 200',
      'turn-2 200',
      'turn-3 200',
    ]);
    const freeAt = callsOf(bed, ({ key }) => key.startsWith('free')).map(({ at }) => at);
    expect(Math.max(...freeAt)).toBeLessThan(ofKey[4]?.at ?? 0);
  });

  it('is not made again once its command has expired', async () => {
    await bed.sandbox.setBehaviour({ faultRules: [rule('expiring', 'status500'), rule('unsent', 'status429')] });
    const expiresAt = new Date(Date.now() + 300).toISOString();
    const [perhapsSent, unsent] = await bed.produce([
      text('expiring', 'c-expiring', 'w-expiring', { expiresAt }),
      text('unsent', 'c-unsent', 'w-unsent', { expiresAt }),
    ]);
    const failed = (await bed.resultOf(perhapsSent)).result;
    // Four waits of at most 20, 40, 80 and 160 ms: it may have come to its last attempt before.
    expect(failed).toMatchObject({ outcome: 'failed', httpStatus: 500 });
    expect((await bed.resultOf(unsent)).result).toMatchObject({ outcome: 'expired', attempts: 1, httpStatus: 429 });
    expect(callsOf(bed, ({ at }) => at > Date.parse(expiresAt) + TOLERANCE_MS)).toEqual([]);
    expect(bed.hasDeadLetter(unsent)).toBe(false);
  });

  it.each(['seconds', 'date'] as const)(
    'with 429 and Retry-After in %s holds back its workspace on its channel, and nothing else',
    async (style) => {
      const limited = `w-${style}`;
      const faultRules = [
        { match: { workspace: limited, channel: 'whatsapp' }, fault: 'status429', times: 1 } as const,
      ];
      await bed.sandbox.setBehaviour({ retryAfter: style, faultRules });
      const [first] = await bed.produce([text(`${style}-1`, 'c-1', limited)]);
      await bed.until(() => bed.sandbox.report().limited === 1, 'the 429');
      const refusedAtMs = callsOf(bed, ({ status }) => status === 429)[0]?.at ?? 0;
      const until = style === 'seconds' ? refusedAtMs + 1_000 : Math.ceil((refusedAtMs + 1_000) / 1_000) * 1_000;
      const [second, elsewhere, otherChannel] = await bed.produce([
        text(`${style}-2`, 'c-2', limited),
        text(`${style}-3`, 'c-3', 'w-free'),
        text(`${style}-4`, 'c-4', limited, {}, 'messenger'),
      ]);
      for (const place of [elsewhere, otherChannel]) await bed.resultOf(place);
      expect(Date.now()).toBeLessThan(until);
      expect((await bed.resultOf(first)).result).toMatchObject({ outcome: 'accepted', attempts: 2 });
      expect((await bed.resultOf(second)).result).toMatchObject({ outcome: 'accepted', attempts: 1 });
      const after = callsOf(
        bed,
        ({ workspace, path, at }) => workspace === limited && path.includes('whatsapp') && at > refusedAtMs,
      );
      expect(after).toHaveLength(2);
      for (const { at } of after) {
        expect(at).toBeGreaterThanOrEqual(until - TOLERANCE_MS);
        expect(at).toBeLessThan(until + 1_000);
      }
    },
  );

  it('with 503 and Retry-After was not sent and waits as told', async () => {
    await bed.sandbox.setBehaviour({ retryAfter: 'seconds', faultRules: [rule('busy', 'status503RetryAfter', 1)] });
    const [place] = await bed.produce([text('busy', 'c-busy', 'w-busy')]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 2 });
    const [refused, accepted] = callsOf(bed, () => true);
    expect((accepted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(1_000 - TOLERANCE_MS);
  });

  it.each(['garbage', 'none'] as const)(
    'with 429 and Retry-After %s backs off, and uses up no attempt',
    async (retryAfter) => {
      await bed.sandbox.setBehaviour({ retryAfter, faultRules: [rule(retryAfter, 'status429', 7)] });
      const [place] = await bed.produce([text(retryAfter, `c-${retryAfter}`, `w-${retryAfter}`)]);
      expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 8 });
    },
  );

  it('with a Retry-After beyond the cap waits no longer than the cap', async () => {
    await bed.sandbox.setBehaviour({ retryAfter: 86_400, faultRules: [rule('capped', 'status429', 1)] });
    const [place] = await bed.produce([text('capped', 'c-capped', 'w-capped')]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 2 });
    const [refused, accepted] = callsOf(bed, () => true);
    expect((accepted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(2_000 - TOLERANCE_MS);
  });

  it('with 403 says nothing of its command until another one succeeds', async () => {
    await bed.sandbox.setBehaviour({ faultRules: [], workspaceKeys: { 'w-forbidden': 'another-key' } });
    const [forbidden] = await bed.produce([text('forbidden', 'c-forbidden', 'w-forbidden')]);
    await bed.until(() => bed.sandbox.report().byStatus['403'] === 1, 'the 403');
    await sleep(300);
    expect(bed.seenResults.some(({ result }) => result.commandId === 'forbidden')).toBe(false);
    const [allowed] = await bed.produce([text('allowed', 'c-allowed')]);
    expect((await bed.resultOf(allowed)).result.outcome).toBe('accepted');
    expect((await bed.resultOf(forbidden, 2_000)).result).toMatchObject({ outcome: 'rejected', httpStatus: 403 });
    await bed.deadLetterOf(forbidden);
  });
});

describe('a key that the API refuses', () => {
  it('stops everything and settles nothing, until it is accepted again', async () => {
    const bed = await TestBed.start({ sandbox: { apiKeys: ['another-key'] } });
    const places = await bed.produce(Array.from({ length: 60 }, (_, at) => text(`key-${at}`, `c-${at % 30}`)));
    await bed.until(() => bed.sandbox.report().calls > 0, 'a call');
    await sleep(2_500);
    expect(bed.seenResults).toEqual([]);
    expect(await bed.service.metrics()).toMatch(/^messages_dispatcher_credentials_refused 1$/m);
    // 30 keys at once, then one probe after a second and one at most every 5 s.
    expect(bed.sandbox.report().calls).toBeLessThanOrEqual(33);
    await bed.sandbox.setBehaviour({ apiKeys: ['sandbox-key'] });
    for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    expect(bed.sandbox.report()).toMatchObject({ accepted: 60, duplicates: 0, orderViolations: 0 });
    expect(await bed.service.metrics()).toMatch(/^messages_dispatcher_credentials_refused 0$/m);
    expect(bed.seenDeadLetters).toEqual([]);
    await bed.untilCommitted();
  });
});

describe('order', () => {
  it('is kept per key while a fifth of all calls fails', async () => {
    const faultRates = { status500: 0.08, status502: 0.04, resetBeforeAcceptance: 0.05, status503RetryAfter: 0.01 };
    const bed = await TestBed.start({
      partitions: 4,
      sandbox: { faultRates, faultsPerKey: 3, latencyMs: 5, jitterMs: 10, retryAfter: 1, seed: 7 },
      settings: { RETRY_BASE_DELAY_MS: '10' },
    });
    const commands = Array.from({ length: 500 }, (_, at) => text(`order-${at}`, `c-${at % 50}`, `w-${at % 5}`));
    const places = await bed.produce(commands);
    const seen = await Promise.all(places.map((place) => bed.resultOf(place, 40_000)));
    expect(seen.filter(({ result }) => result.outcome !== 'accepted')).toEqual([]);
    const { byStatus, ...report } = bed.sandbox.report();
    expect(report).toMatchObject({ uniqueAccepted: 500, duplicates: 0, orderViolations: 0, overlaps: 0 });
    expect(byStatus['500']).toBeGreaterThan(10);
    expect(report.maxConcurrent).toBeGreaterThan(5);
    await bed.untilCommitted();
  });
});

describe('a configured rate limit', () => {
  let sandbox: SandboxProcess;
  let bed: TestBed;

  beforeAll(async () => {
    sandbox = await startSandboxProcess();
    bed = await TestBed.start({
      channels: ['whatsapp', 'messenger', 'instagram'],
      settings: {
        MESSAGES_API_URL: sandbox.url,
        RATE_LIMIT_WHATSAPP: '50/s',
        RATE_LIMIT_MESSENGER_PER_WORKSPACE: '20/s',
        RATE_LIMIT_INSTAGRAM_PER_RECIPIENT: '1/500ms',
      },
    });
  });

  beforeEach(() => sandbox.reset());

  it.each([
    {
      scope: 'channel',
      rateLimits: { perChannel: { count: 50, windowMs: 1_000, slackMs: SLACK_MS } },
      commands: Array.from({ length: 120 }, (_, at) => text(`whatsapp-${at}`, `c-${at % 60}`, `w-${at % 7}`)),
      idealMs: 2_350,
    },
    {
      scope: 'workspace',
      rateLimits: { perWorkspace: { ratePerSecond: 20, slackMs: SLACK_MS } },
      commands: Array.from({ length: 90 }, (_, at) =>
        text(`messenger-${at}`, `c-${at}`, `w-${at % 3}`, {}, 'messenger'),
      ),
      idealMs: 1_450,
    },
    {
      scope: 'recipient',
      rateLimits: { perRecipient: { count: 1, windowMs: 500, slackMs: SLACK_MS } },
      commands: Array.from({ length: 80 }, (_, at) => text(`instagram-${at}`, `c-${at % 20}`, 'w-1', {}, 'instagram')),
      idealMs: 1_500,
    },
  ])('per $scope is never exceeded, and used up', async ({ rateLimits, commands, idealMs }) => {
    await sandbox.configure({ rateLimits });
    const places = await bed.produce(commands);
    const seen = await Promise.all(places.map((place) => bed.resultOf(place)));
    const ends = new Set(seen.map(({ result }) => `${result.outcome} after ${result.attempts}`));
    expect([...ends]).toEqual(['accepted after 1']);
    const { limited, firstAcceptedAtMs, lastAcceptedAtMs } = await sandbox.report();
    expect(limited).toBe(0);
    const tookMs = (lastAcceptedAtMs ?? 0) - (firstAcceptedAtMs ?? 0);
    expect(tookMs).toBeGreaterThanOrEqual(idealMs - 50);
    expect(tookMs).toBeLessThan(idealMs * 1.3 + 300);
  });
});
