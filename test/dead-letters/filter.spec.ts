import { type Filter, matches } from '../../src/dead-letters/filter';
import { MOMENT_GRAMMAR, parseMoment } from '../../src/dead-letters/moment';
import { deadLetter } from './fixtures';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const letter = deadLetter({ timestampMs: NOW, error: 'Not Reachable', own: { campaign: 'spring' }, offset: 4 });

describe('a filter', () => {
  it.each<[Filter, boolean]>([
    [{}, true],
    [{ channels: ['telegram', 'whatsapp'], outcomes: ['failed'] }, true],
    [{ channels: ['telegram'] }, false],
    [{ outcomes: ['invalid', 'rejected'] }, false],
    [{ error: 'not reach' }, true],
    [{ error: 'not away' }, false],
    [{ sinceMs: NOW }, true],
    [{ sinceMs: NOW + 1 }, false],
    [{ untilMs: NOW }, false],
    [{ untilMs: NOW + 1 }, true],
    [{ workspace: 'w-1', campaign: 'spring', commandId: 'c-0-4' }, true],
    [{ workspace: 'w' }, false],
    [{ campaign: 'summer' }, false],
    [{ commandId: 'c-0-5' }, false],
  ])('%j: %j', (filter, expected) => {
    expect(matches(letter, filter)).toBe(expected);
  });

  it('is not met by a part that could not be read', () => {
    const foreign = deadLetter({ topic: 'elsewhere', value: null });
    for (const filter of [{ channels: ['whatsapp'] }, { workspace: 'w-1' }, { campaign: '' }, { commandId: '' }]) {
      expect(matches(foreign, filter as Filter)).toBe(false);
    }
  });
});

describe('a moment', () => {
  it.each([
    ['2026-11-22T13:00:00+01:00', NOW],
    ['90s', NOW - 90_000],
    ['15m', NOW - 900_000],
    ['2h', NOW - 7_200_000],
    ['3d', NOW - 259_200_000],
  ])('%s is read', (text, expected) => {
    expect(parseMoment(text, NOW)).toBe(expected);
  });

  it.each([
    '',
    '15',
    'm',
    '-5m',
    '1.5h',
    '2w',
    'yesterday',
    '2026-11-22',
    '2026-11-22T12:00:00',
    '2026-02-30T00:00:00Z',
  ])('%j is none', (text) => {
    expect(parseMoment(text, NOW)).toBeNull();
  });

  it('has examples in its explanation that are moments', () => {
    const examples = MOMENT_GRAMMAR.match(/\d[\dTZ:-]*[smhdZ]\b/g) ?? [];
    expect(examples).toHaveLength(5);
    for (const example of examples) expect(parseMoment(example, NOW)).not.toBeNull();
  });
});
