import { recoveriesOf } from '../../../tools/chaos/recoveries';
import { call, command } from './evidence';

const commands = [1, 2, 3, 4].map((n) => command(n));

describe('recoveries', () => {
  it('last until the API has taken a command of every partition that had any waiting', () => {
    const calls = [call(1), call(2, { at: 1_500 }), call(3, { at: 1_800 }), call(4, { at: 1_900 })];
    expect(recoveriesOf([1_000], commands, calls)).toEqual([{ resumedAfterMs: 800, herd: 1 }]);
  });

  it('do not wait for bulk lanes', () => {
    const bulk = commands.map((each) => ({ ...each, topic: 'p.commands.whatsapp.bulk' }));
    const calls = [call(1), call(2, { at: 1_500 }), call(3, { at: 1_800 })];
    expect(recoveriesOf([1_000], bulk, calls)[0]?.resumedAfterMs).toBe(0);
  });

  it('never end if the API takes no more commands of a partition', () => {
    const calls = [call(1), call(2, { at: 1_500 })];
    expect(recoveriesOf([1_000], commands, calls)[0]?.resumedAfterMs).toBe(Infinity);
  });

  it('have a herd: all calls within 100 ms of the first call that the API takes', () => {
    const calls = [
      call(1, { at: 1_500 }),
      call(2, { at: 1_599 }),
      call(3, { at: 1_550, accepted: false }),
      call(4, { at: 1_600 }),
    ];
    expect(recoveriesOf([1_000], commands, calls)[0]?.herd).toBe(3);
  });

  it('are over at once if nothing waited', () => {
    expect(
      recoveriesOf(
        [2_000],
        commands,
        commands.map((_, n) => call(n + 1)),
      ),
    ).toEqual([{ resumedAfterMs: 0, herd: 0 }]);
  });
});
