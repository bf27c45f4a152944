import { Halts } from '../../../src/kafka/partitions/halts';

describe('Halts', () => {
  it('halts reading with the first reason, and lets it go on when none is left', () => {
    const halts = new Halts();
    const seen: boolean[] = [];
    halts.watch((isHalted) => seen.push(isHalted));
    halts.set('api', true);
    halts.set('results', true);
    halts.set('results', true);
    halts.set('api', false);
    expect([seen, halts.current]).toEqual([[true], ['results']]);
    halts.set('results', false);
    halts.set('results', false);
    expect([seen, halts.current]).toEqual([[true, false], []]);
  });
});
