import { Endings } from '../../src/dispatch/endings';
import type { Job } from '../../src/dispatch/job';
import { settledWithout } from '../../src/dispatch/follow-up';

describe('the end of a command', () => {
  it('is told to the store at once, published later, and its offset released last', () => {
    const said: string[] = [];
    const later: (() => void)[] = [];
    const unrecorded = { add: () => said.push('counted') };
    const settled = (_record: object, count: object): void => {
      expect(count).toBe(unrecorded);
      said.push('released');
    };
    const source = { queues: null, settled };
    const job = { source, record: {}, calls: 1, httpStatus: 200 } as unknown as Job;
    const endings = new Endings({
      scheduler: { complete: () => said.push("the key's next may go") },
      gate: { forget: () => undefined },
      unrecorded: { of: () => unrecorded },
      claims: { settle: () => said.push('told') },
      outcomes: {
        settle: (_job: Job, _ending: object, done: () => void) => {
          said.push('published');
          done();
        },
      },
      clock: { soon: (run: () => void) => later.push(run) },
      onWritten: () => said.push('written'),
    } as unknown as ConstructorParameters<typeof Endings>[0]);
    endings.end(job, settledWithout('failed', job, 'no'));
    expect(said).toEqual(['counted', "the key's next may go", 'told']);
    expect(endings.size).toBe(1);
    for (const run of later) run();
    expect(said.slice(3)).toEqual(['published', 'released', 'written']);
    expect(endings.size).toBe(0);
  });
});
