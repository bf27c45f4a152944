import { parseArguments } from '../../../tools/bench/arguments';

const KNOWN = ['W1', 'W2', 'idle'];

describe('arguments of the benchmark', () => {
  it('select all workloads if none is named', () => {
    expect(parseArguments([], KNOWN)).toEqual({ workloads: KNOWN, json: null, profile: false });
  });

  it('name workloads and keep their order', () => {
    expect(parseArguments(['idle', 'W1', '--json', 'a.json', '--profile'], KNOWN)).toEqual({
      workloads: ['W1', 'idle'],
      json: 'a.json',
      profile: true,
    });
  });

  it.each([['W9'], ['--fast'], ['--json']])('are refused with the usage: %s', (argument) => {
    expect(parseArguments([argument], KNOWN)).toMatch(/usage: .*W1\|W2\|idle/);
  });
});
