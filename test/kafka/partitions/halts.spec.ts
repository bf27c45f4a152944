import { Halts } from '../../../src/kafka/partitions/halts';

describe('Halts', () => {
  it('halts reading with the first reason, and lets it go on when none is left', () => {
    const halts = new Halts();
    const seen: boolean[] = [];
    halts.watch((isHalted) => seen.push(isHalted));
    halts.set('api', true);
    halts.set('draining', true);
    halts.set('draining', true);
    halts.set('api', false);
    expect([seen, halts.current]).toEqual([[true], ['draining']]);
    halts.set('draining', false);
    halts.set('draining', false);
    expect([seen, halts.current]).toEqual([[true, false], []]);
  });
});
