import { accountOf } from '../../../tools/chaos/account';
import type { Evidence } from '../../../tools/chaos/account';
import { call, command, perfectEvidence, result } from './evidence';

const perfect = perfectEvidence();

function withChanges(changes: Partial<Evidence>): ReturnType<typeof accountOf> {
  return accountOf({ ...perfect, ...changes });
}

describe('the account of a run', () => {
  it('has only commands and outcomes if the run was perfect', () => {
    expect(accountOf(perfect)).toEqual({
      commands: 4,
      lost: 0,
      repeatedCalls: 0,
      repeatedAfterMs: [],
      orderViolations: 0,
      overlaps: 0,
      repeatedResults: 0,
      contradictions: 0,
      outcomes: { accepted: 4 },
      doubtfulAfterMs: [],
      longestStall: { place: 'commands.whatsapp/1', fromMs: 100, ms: 60 },
      topicStalls: [{ place: 'commands.whatsapp', fromMs: 100, ms: 60 }],
    });
  });

  it('counts a record without a result as lost, even if another record has the same command', () => {
    const twice = [...perfect.commands, command(5, { id: 'c-1' })];
    expect(withChanges({ commands: twice }).lost).toBe(1);
    expect(withChanges({ commands: twice, results: [...perfect.results, result(5, { commandId: 'c-1' })] }).lost).toBe(
      0,
    );
    expect(withChanges({ results: perfect.results.slice(1) }).lost).toBe(1);
  });

  it('counts a command as lost if it is reported as accepted but the API never took it', () => {
    expect(withChanges({ calls: perfect.calls.slice(1) }).lost).toBe(1);
    expect(withChanges({ calls: [call(1, { accepted: false, status: 503 }), ...perfect.calls.slice(1)] }).lost).toBe(1);
  });

  it('counts further results of a record, and those that contradict the first', () => {
    const again = withChanges({ results: [...perfect.results, result(1, { atMs: 700 })] });
    expect(again).toMatchObject({ repeatedResults: 1, contradictions: 0, outcomes: { accepted: 4 } });
    const other = withChanges({ results: [result(1, { atMs: 700, outcome: 'in-doubt' }), ...perfect.results] });
    expect(other).toMatchObject({ repeatedResults: 1, contradictions: 1, outcomes: { accepted: 4 } });
  });

  it('tells how long before the next cut a repeated call had been answered', () => {
    const repeated = { calls: [...perfect.calls, call(2, { at: 900 })] };
    const onTheWire = [{ fromMs: 250, untilMs: 255 }];
    const justFinished = [{ fromMs: 290, untilMs: 295 }];
    const before = [{ fromMs: 100, untilMs: 155 }];
    expect(withChanges({ ...repeated, cuts: onTheWire }).repeatedAfterMs).toEqual([0]);
    expect(withChanges({ ...repeated, cuts: justFinished }).repeatedAfterMs).toEqual([30]);
    expect(withChanges({ ...repeated, cuts: [...before, ...justFinished] }).repeatedAfterMs).toEqual([30]);
    expect(withChanges({ ...repeated, cuts: before }).repeatedAfterMs).toEqual([Infinity]);
    expect(withChanges({ ...repeated, cuts: [] }).repeatedAfterMs).toEqual([Infinity]);
  });

  it('does not count a call as repeated if the API had refused the first one', () => {
    const calls = [...perfect.calls, call(2, { at: 205, accepted: false, status: 503 })];
    expect(withChanges({ calls }).repeatedAfterMs).toEqual([]);
  });

  it('counts a call that arrived a moment after the cut as cut off', () => {
    const repeated = { calls: [...perfect.calls, call(2, { at: 900 })] };
    expect(withChanges({ ...repeated, cuts: [{ fromMs: 190, untilMs: 195 }] }).repeatedAfterMs).toEqual([0]);
  });

  it('tells the same for commands that ended in doubt', () => {
    const doubtful = { results: [...perfect.results.slice(1), result(1, { outcome: 'in-doubt' })] };
    expect(withChanges(doubtful)).toMatchObject({
      doubtfulAfterMs: [Infinity],
      outcomes: { accepted: 3, 'in-doubt': 1 },
    });
    expect(withChanges({ ...doubtful, cuts: [{ fromMs: 130, untilMs: 135 }] }).doubtfulAfterMs).toEqual([0]);
    expect(withChanges({ ...doubtful, cuts: [{ fromMs: 430, untilMs: 435 }] }).doubtfulAfterMs).toEqual([270]);
    const neverCalled = { ...doubtful, calls: perfect.calls.slice(1) };
    expect(withChanges({ ...neverCalled, cuts: [{ fromMs: 430, untilMs: 435 }] })).toMatchObject({
      doubtfulAfterMs: [0],
      lost: 0,
    });
  });

  it('says which partition and which topic stood still', () => {
    const { longestStall, topicStalls } = withChanges({
      results: [...perfect.results.slice(1), result(1, { atMs: 290 })],
    });
    expect(longestStall).toEqual({ place: 'commands.whatsapp/1', fromMs: 100, ms: 190 });
    expect(topicStalls).toEqual([{ place: 'commands.whatsapp', fromMs: 100, ms: 160 }]);
  });
});
