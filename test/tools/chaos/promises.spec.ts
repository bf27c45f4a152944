import { accountOf } from '../../../tools/chaos/account';
import { brokenCounts, brokenTimes } from '../../../tools/chaos/promises';
import type { Allowed, Observed } from '../../../tools/chaos/promises';
import { perfectEvidence } from './evidence';

const account = accountOf(perfectEvidence());
const nothing: Allowed = {
  repeats: 'none',
  doubts: 'none',
  repeatsResults: false,
  partitionStallMs: 100,
  topicStallMs: 100,
  resumedWithinMs: 5_000,
  herd: 32,
};
const observed: Observed = {
  exitCodes: [0, 0],
  ended: [],
  peakMemoryMib: 100,
  recoveries: [{ resumedAfterMs: 1_000, herd: 8 }],
  unsettled: 0,
  roundTripMs: 50,
  acknowledgementMs: 10,
};
const stall = { place: 'commands.whatsapp/1', fromMs: 0, ms: 101 };

describe('promises', () => {
  it('are kept if only allowed things happened', () => {
    expect(brokenCounts(account, nothing, observed)).toEqual([]);
    expect(brokenTimes(account, nothing, observed)).toEqual([]);
  });

  it.each([
    [{ lost: 1 }, '1 lost'],
    [{ repeatedCalls: 1 }, '1 calls repeated'],
    [{ orderViolations: 1 }, '1 order violations'],
    [{ overlaps: 1 }, '1 overlaps'],
    [{ repeatedResults: 1 }, '1 results repeated'],
    [{ contradictions: 1 }, 'contradict'],
    [{ outcomes: { accepted: 3, 'in-doubt': 1 } }, '1 in doubt'],
    [{ outcomes: { accepted: 3, failed: 1 } }, '1 neither accepted nor in doubt'],
  ] as const)('are broken by a number, whatever the machine: %j', (changes, line) => {
    expect(brokenCounts({ ...account, ...changes }, nothing, observed)).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    [{ unsettled: 1 }, '1 records never committed'],
    [{ exitCodes: [0, 1] }, 'drained replicas exited 0, 1'],
    [{ ended: ['replica a with 1'] }, 'ended unasked: replica a with 1'],
  ])('are broken by how it ended: %j', (changes, line) => {
    expect(brokenCounts(account, nothing, { ...observed, ...changes })).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    [{ longestStall: stall }, 'partition commands.whatsapp/1 stood still for 0.1 s from 1970-01-01T00:00:00.000Z'],
    [{ topicStalls: [stall] }, 'topic commands.whatsapp/1 stood still'],
  ] as const)('are broken by a duration, in the long form: %j', (changes, line) => {
    expect(brokenTimes({ ...account, ...changes }, nothing, observed)).toEqual([expect.stringContaining(line)]);
    expect(brokenCounts({ ...account, ...changes }, nothing, observed)).toEqual([]);
  });

  it.each([
    [{ peakMemoryMib: 400 }, '400 MiB, allowed below 400'],
    [{ recoveries: [{ resumedAfterMs: 5_001, herd: 0 }] }, 'resumed 5.0 s after a recovery'],
    [{ recoveries: [{ resumedAfterMs: 0, herd: 33 }] }, '33 calls within 100 ms of a recovery'],
  ])('are broken by what else is measured, in the long form: %j', (changes, line) => {
    expect(brokenTimes(account, nothing, { ...observed, ...changes })).toEqual([expect.stringContaining(line)]);
    expect(brokenCounts(account, nothing, { ...observed, ...changes })).toEqual([]);
  });

  describe('if calls may be repeated after a cut', () => {
    const withRedis: Allowed = { ...nothing, repeats: 'on the wire' };
    const without: Allowed = { ...nothing, repeats: 'unacknowledged' };
    const repeated = (...repeatedAfterMs: number[]): typeof account => ({
      ...account,
      repeatedCalls: repeatedAfterMs.length,
      repeatedAfterMs,
    });

    it('are kept for any number of them', () => {
      expect(brokenCounts(repeated(0, 0, 99, Infinity), without, observed)).toEqual([]);
    });

    it('are broken by a call that was no longer on the wire, after four round trips', () => {
      expect(brokenTimes(repeated(0, 150), withRedis, observed)).toEqual([]);
      expect(brokenTimes(repeated(0, 151), withRedis, observed)).toEqual([
        '1 calls repeated without need (up to 151 ms before a cut, allowed 150 ms)',
      ]);
      expect(brokenTimes(repeated(201), withRedis, { ...observed, roundTripMs: 100 })).toEqual([]);
    });

    it('are broken without Redis by a call that Kafka had acknowledged long before, by the measure of this run', () => {
      expect(brokenTimes(repeated(0, 360), without, observed)).toEqual([]);
      expect(brokenTimes(repeated(361), without, observed)).toHaveLength(1);
      expect(brokenTimes(repeated(361), without, { ...observed, acknowledgementMs: 11 })).toEqual([]);
    });

    it('are broken by a call that no cut followed', () => {
      expect(brokenTimes(repeated(Infinity), without, observed)).toEqual([
        expect.stringContaining('no cut came after'),
      ]);
    });

    it('are broken by a command in doubt in the same way', () => {
      const allowed: Allowed = { ...nothing, doubts: 'on the wire' };
      const doubtful = { ...account, outcomes: { accepted: 3, 'in-doubt': 1 }, doubtfulAfterMs: [151] };
      expect(brokenCounts(doubtful, allowed, observed)).toEqual([]);
      expect(brokenTimes(doubtful, allowed, observed)).toEqual([expect.stringContaining('1 in doubt without need')]);
    });
  });

  it('may hold only for some topics', () => {
    const allowed = { ...nothing, stallTopics: ['commands.whatsapp'] };
    expect(
      brokenTimes({ ...account, topicStalls: [{ ...stall, place: 'commands.messenger' }] }, allowed, observed),
    ).toEqual([]);
    expect(
      brokenTimes({ ...account, topicStalls: [{ ...stall, place: 'commands.whatsapp' }] }, allowed, observed),
    ).toHaveLength(1);
  });
});
