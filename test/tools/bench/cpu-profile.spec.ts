import { selfTimes } from '../../../tools/bench/cpu-profile';

describe('selfTimes', () => {
  it('adds up the time of a function over all its callers, without idle time', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 4 });
    const busy = frame('busy', 'file:///home/me/app/dist/a.js');
    const nodes = [
      { id: 1, callFrame: busy },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: busy },
      { id: 4, callFrame: frame('', 'node:net') },
    ];
    expect(selfTimes({ nodes, samples: [1, 2, 3, 4], timeDeltas: [1_000, 9_000, 2_000, 1_000] })).toEqual([
      { name: 'busy dist/a.js:5', share: 0.75, ms: 3 },
      { name: '(anonymous) node:net:5', share: 0.25, ms: 1 },
    ]);
  });
});
