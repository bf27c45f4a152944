import { parseArguments } from '../../../tools/chaos/arguments';

const KNOWN = ['handover', 'kills', 'zombie'];

describe('arguments of the chaos suite', () => {
  it('select all scenarios in the long form, and any seed, by default', () => {
    expect(parseArguments([], KNOWN, 42)).toEqual({ seed: 42, scenarios: KNOWN, short: false });
  });

  it('name scenarios, keep their order, and set a seed', () => {
    expect(parseArguments(['--scenario', 'zombie, handover', '--seed', '7', '--short'], KNOWN, 42)).toEqual({
      seed: 7,
      scenarios: ['handover', 'zombie'],
      short: true,
    });
  });

  it.each([
    ['--scenario', 'earthquake'],
    ['--scenario', ''],
    ['--seed', 'x'],
    ['--seed', ''],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--seed', '4294967296'],
    ['--seed'],
    ['--fast'],
    ['kills'],
  ])('are refused with the usage: %s %s', (...args) =>
    expect(parseArguments(args, KNOWN, 42)).toMatch(/usage: .*handover,kills,zombie/),
  );
});
