import { Figures, isMet } from '../../../tools/bench/figures';
import { renderReport } from '../../../tools/bench/report';

describe('the report of the benchmark', () => {
  const { all } = new Figures('W1')
    .add('calls', 4867.6, '/s')
    .add('ratio', 0.9619, '', { atLeast: 0.96 })
    .add('violations', 1, '', { atMost: 0 })
    .add('p50', Number.NaN, 'ms', { atMost: 3 });

  it('says for each figure whether it reached its target', () => {
    expect(all.map(isMet)).toEqual([true, true, false, false]);
    expect(
      renderReport(all)
        .split('\n')
        .map((line) => line.split(/  +/)),
    ).toEqual([
      ['workload', 'figure', 'reached', 'target'],
      expect.anything(),
      ['W1', 'calls', '4,868/s'],
      ['W1', 'ratio', '0.962', '>= 0.96', 'ok'],
      ['W1', 'violations', '1', '<= 0', 'MISSED'],
      ['W1', 'p50', 'NaN ms', '<= 3 ms', 'MISSED'],
    ]);
  });

  it('accepts a figure that is exactly its target', () => {
    const { all: exact } = new Figures('W').add('a', 0.96, '', { atLeast: 0.96 }).add('b', 200, 'MiB', { atMost: 200 });
    expect(exact.every(isMet)).toBe(true);
  });
});
