import { accountOf } from '../../../tools/chaos/account';
import { brokenPromises } from '../../../tools/chaos/promises';
import type { Allowed, Observed } from '../../../tools/chaos/promises';
import { perfectEvidence } from './evidence';

const account = accountOf(perfectEvidence());
const nothing: Allowed = {
  repeatedWithinMs: null,
  repeatedCalls: 0,
  repeatedResults: 0,
  inDoubt: 0,
  partitionStallMs: 100,
  topicStallMs: 100,
  memoryMib: 200,
  resumedWithinMs: 5_000,
  herd: 32,
};
const observed: Observed = { exitCodes: [0, 0], ended: [], peakMemoryMib: 100, recoveries: [{ resumedAfterMs: 1_000, herd: 8 }], unsettled: 0 }; // prettier-ignore
const stall = { place: 'commands.whatsapp/1', fromMs: 0, ms: 101 };

describe('promises', () => {
  it('are kept where nothing happened that is not allowed', () => {
    expect(brokenPromises(account, nothing, observed)).toEqual([]);
  });

  it.each([
    [{ lost: 1 }, '1 lost'],
    [{ repeatedCalls: 1 }, '1 calls repeated, allowed 0'],
    [{ repeatedAfterMs: [0] }, '1 calls repeated without need'],
    [{ orderViolations: 1 }, '1 order violations'],
    [{ overlaps: 1 }, '1 overlaps'],
    [{ repeatedResults: 1 }, '1 results repeated'],
    [{ contradictions: 1 }, 'contradict'],
    [{ outcomes: { accepted: 3, 'in-doubt': 1 } }, '1 in doubt, allowed 0'],
    [{ needlessDoubts: 1 }, '1 in doubt without need'],
    [{ outcomes: { accepted: 3, failed: 1 } }, '1 neither accepted nor in doubt'],
    [{ longestStall: stall }, 'partition commands.whatsapp/1 stood still for 0.1 s from 1970-01-01T00:00:00.000Z'],
    [{ topicStalls: [stall] }, 'topic commands.whatsapp/1 stood still'],
  ] as const)('are broken by %j', (changes, line) => {
    expect(brokenPromises({ ...account, ...changes }, nothing, observed)).toEqual([expect.stringContaining(line)]);
  });

  it.each([
    [{ unsettled: 1 }, '1 records never committed'],
    [{ exitCodes: [0, 1] }, 'drained replicas exited 0, 1'],
    [{ ended: ['replica a with 1'] }, 'ended unasked: replica a with 1'],
    [{ peakMemoryMib: 201 }, '201 MiB, allowed 200'],
    [{ recoveries: [{ resumedAfterMs: 5_001, herd: 0 }] }, 'resumed 5.0 s after a recovery'],
    [{ recoveries: [{ resumedAfterMs: 0, herd: 33 }] }, '33 calls within 100 ms of a recovery'],
  ])('are broken by what else is seen: %j', (changes, line) => {
    expect(brokenPromises(account, nothing, { ...observed, ...changes })).toEqual([expect.stringContaining(line)]);
  });

  it('may allow calls to be repeated that had been answered shortly before a cut, so many', () => {
    const allowed = { ...nothing, repeatedWithinMs: 50, repeatedCalls: 2 };
    const repeated = { ...account, repeatedCalls: 2, repeatedAfterMs: [0, 50] };
    expect(brokenPromises(repeated, allowed, observed)).toEqual([]);
    expect(brokenPromises({ ...repeated, repeatedAfterMs: [0, 51] }, allowed, observed)).toHaveLength(1);
    expect(brokenPromises({ ...repeated, repeatedCalls: 3 }, allowed, observed)).toHaveLength(1);
  });

  it('may speak of some topics alone', () => {
    const allowed = { ...nothing, stallTopics: ['commands.whatsapp'] };
    expect(brokenPromises({ ...account, topicStalls: [{ ...stall, place: 'commands.messenger' }] }, allowed, observed)).toEqual([]); // prettier-ignore
    expect(brokenPromises({ ...account, topicStalls: [{ ...stall, place: 'commands.whatsapp' }] }, allowed, observed)).toHaveLength(1); // prettier-ignore
  });
});
