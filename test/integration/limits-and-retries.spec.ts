import type { CallRecord } from '../../sandbox/api.ts';
import type { FaultRule } from '../../sandbox/behaviour.ts';
import type { FaultName } from '../../sandbox/fault-table.ts';
import type { Channel } from '../../src/contract/channels';
import { TestBed, type Command } from './harness';

const HOUR_S = 3_600;

/** A valid text. Its recipient is its ordering key. */
function text(id: string, to: string, workspace = 'w-1', channel: Channel = 'whatsapp'): Command {
  const request = { contact: { id: to }, workspace: { id: workspace }, textMessage: 'Hello' };
  return { channel, key: to, value: { id, type: 'text', request } };
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
    const settings = {
      RETRY_BASE_DELAY_MS: '1',
      RETRY_MAX_DELAY_MS: '20',
      RETRY_MAX_ATTEMPTS: '1000',
      RETRY_AFTER_MAX_MS: '50',
    };
    bed = await TestBed.start({ channels: ['whatsapp', 'messenger'], settings });
  });

  beforeEach(() => bed.sandbox.reset());

  it('twice with 500 is made a third time, and its command is accepted', async () => {
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
    await bed.sandbox.setBehaviour({ faultRules: [rule('turn-1', 'status500')] });
    const others = Array.from({ length: 20 }, (_, at) => text(`free-${at}`, `c-free-${at}`));
    const turns = [text('turn-1', 'c-turn'), text('turn-2', 'c-turn'), text('turn-3', 'c-turn')];
    const places = await bed.produce([...turns, ...others].map((command) => ({ ...command, partition: 0 })));
    const ofKey = (): CallRecord[] => callsOf(bed, ({ recipient }) => recipient === 'c-turn');
    for (const place of places.slice(turns.length)) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    await bed.until(() => ofKey().length > 1, 'the first call is made again');
    expect(ofKey().map(({ key, status }) => `${key} ${status}`)).toEqual(ofKey().map(() => 'turn-1 500'));

    await bed.sandbox.setBehaviour({ faultRules: [] });
    for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    const accepted = ofKey().filter(({ status }) => status === 200);
    expect(accepted.map(({ key }) => key)).toEqual(['turn-1', 'turn-2', 'turn-3']);
    expect(ofKey().slice(-3)).toEqual(accepted);
  });

  it.each(['seconds', 'date', 'garbage', 'none', 24 * HOUR_S] as const)(
    'with 429 and Retry-After %s is made again, as often as it takes, and uses up no attempt',
    async (retryAfter) => {
      const id = `limited-${retryAfter}`;
      await bed.sandbox.setBehaviour({ retryAfter, faultRules: [rule(id, 'status429', 7)] });
      const [place] = await bed.produce([text(id, `c-${id}`, `w-${id}`)]);
      expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'accepted', attempts: 8 });
    },
  );

  it('with 403 decides nothing about its command until another command succeeds', async () => {
    await bed.sandbox.setBehaviour({ faultRules: [], workspaceKeys: { 'w-forbidden': 'another-key' } });
    const [forbidden] = await bed.produce([text('forbidden', 'c-forbidden', 'w-forbidden')]);
    await bed.until(() => bed.sandbox.report().byStatus['403'] === 1, 'the 403');
    const [invalid] = await bed.produce([{ key: 'c-invalid', value: 'no command' }]);
    await bed.resultOf(invalid);
    expect(bed.seenResults.some(({ result }) => result.commandId === 'forbidden')).toBe(false);
    const [allowed] = await bed.produce([text('allowed', 'c-allowed')]);
    expect((await bed.resultOf(allowed)).result.outcome).toBe('accepted');
    expect((await bed.resultOf(forbidden)).result).toMatchObject({ outcome: 'rejected', httpStatus: 403 });
    await bed.deadLetterOf(forbidden);
  });
});

describe('a workspace that the API asks to wait for an hour', () => {
  it.each(['status429', 'status503RetryAfter'] as const)(
    'by %s waits on that channel, and nothing else waits',
    async (fault) => {
      await using bed = await TestBed.start({
        channels: ['whatsapp', 'messenger'],
        sandbox: {
          retryAfter: HOUR_S,
          faultRules: [{ match: { workspace: 'w-limited', channel: 'whatsapp' }, fault, times: 1 }],
        },
      });
      await bed.produce([text('first', 'c-1', 'w-limited')]);
      const ofScope = (): CallRecord[] =>
        callsOf(bed, ({ workspace, path }) => workspace === 'w-limited' && path.includes('whatsapp'));
      await bed.until(() => ofScope().length === 1, 'the refusal');
      await bed.produce([text('second', 'c-2', 'w-limited')]);
      const free = await bed.produce([
        ...Array.from({ length: 10 }, (_, at) => text(`free-${at}`, `c-free-${at}`, 'w-free')),
        text('other-channel', 'c-1', 'w-limited', 'messenger'),
      ]);
      for (const place of free) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
      expect(await bed.stopService()).toBe(0);
      expect(ofScope().map(({ key }) => key)).toEqual(['first']);
      expect(bed.seenResults).toHaveLength(free.length);
    },
  );
});

describe('a key that the API refuses', () => {
  it('stops everything and settles nothing, until it is accepted again', async () => {
    const bed = await TestBed.start({ sandbox: { apiKeys: ['another-key'] } });
    const places = await bed.produce(Array.from({ length: 60 }, (_, at) => text(`key-${at}`, `c-${at % 30}`)));
    const isRefused = /^messages_dispatcher_credentials_refused 1$/m;
    await bed.until(async () => isRefused.test(await bed.service.metrics()), 'the key counts as refused');
    expect(bed.seenResults).toEqual([]);
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
    const seen = await Promise.all(places.map((place) => bed.resultOf(place)));
    expect(seen.filter(({ result }) => result.outcome !== 'accepted')).toEqual([]);
    const { byStatus, ...report } = bed.sandbox.report();
    expect(report).toMatchObject({ uniqueAccepted: 500, duplicates: 0, orderViolations: 0, overlaps: 0 });
    expect(byStatus['500']).toBeGreaterThan(10);
    expect(report.maxConcurrent).toBeGreaterThan(5);
    await bed.untilCommitted();
  });
});

describe('a configured rate limit', () => {
  // So slow that during a test only the burst leaves. The burst must leave.
  const LIMITS = {
    RATE_LIMIT_WHATSAPP: '1/1h burst 50',
    RATE_LIMIT_MESSENGER_PER_WORKSPACE: '1/1h burst 20',
    RATE_LIMIT_INSTAGRAM_PER_RECIPIENT: '1/1h burst 2',
  };

  it('per channel, workspace or recipient is used in full, and never exceeded', async () => {
    await using bed = await TestBed.start({
      channels: ['whatsapp', 'messenger', 'instagram', 'telegram'],
      settings: LIMITS,
    });
    const many = (channel: Channel): Command[] =>
      Array.from({ length: 120 }, (_, at) => text(`${channel}-${at}`, `c-${at % 10}`, `w-${at % 3}`, channel));
    await bed.produce([...many('whatsapp'), ...many('messenger'), ...many('instagram')]);
    const seen = await bed.results(50 + 3 * 20 + 10 * 2);
    const unlimited = {
      contact: { id: 'c-1' },
      workspace: { id: 'w-1' },
      textMessage: 'Hello',
      buttons: [{}],
    };
    const [free] = await bed.produce([
      { channel: 'telegram', key: 'c-1', value: { id: 'free', type: 'template', request: unlimited } },
    ]);
    await bed.resultOf(free);
    expect(await bed.stopService()).toBe(0);
    const accepted = Object.groupBy(
      callsOf(bed, () => true),
      ({ path }) => path.split('/')[3] ?? '',
    );
    expect(accepted['whatsapp']).toHaveLength(50);
    expect(countsOf(accepted['messenger'], ({ workspace }) => workspace)).toEqual([20, 20, 20]);
    expect(countsOf(accepted['instagram'], ({ recipient }) => recipient)).toEqual(Array.from({ length: 10 }, () => 2));
    expect(new Set(seen.map(({ result }) => `${result.outcome} after ${result.attempts}`))).toEqual(
      new Set(['accepted after 1']),
    );
  });
});

function countsOf(calls: readonly CallRecord[] = [], by: (call: CallRecord) => string): number[] {
  return [...Map.groupBy(calls, by).values()].map(({ length }) => length);
}
