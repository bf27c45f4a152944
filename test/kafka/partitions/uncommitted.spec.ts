import fc from 'fast-check';
import { Topics } from '../../../src/contract/topics';
import { Unrecorded } from '../../../src/dispatch/schedule/unrecorded';
import { type CommitMark, Uncommitted } from '../../../src/kafka/partitions/uncommitted';

const LIMIT = 4;
const LANES = ['transactional', 'bulk'] as const;
const PARTITIONS = 3;

type Step =
  | { readonly kind: 'answer' | 'settle'; readonly partition: number; readonly lane: 0 | 1 }
  | { readonly kind: 'commit' | 'acknowledge' | 'lose' | 'open' | 'open-committed'; readonly partition: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('answer' as const, 'settle' as const),
      partition: fc.nat(PARTITIONS - 1),
      lane: fc.constantFrom(0 as const, 1 as const),
    }),
    fc.record({
      kind: fc.constantFrom(
        'commit' as const,
        'acknowledge' as const,
        'lose' as const,
        'open' as const,
        'open-committed' as const,
      ),
      partition: fc.nat(PARTITIONS - 1),
    }),
  ),
  { maxLength: 200 },
);

/** A partition of which the test knows each command by name. */
class Model {
  readonly uncommitted = new Uncommitted();
  /** Lanes of the commands that are answered and not settled. */
  readonly answered: (0 | 1)[] = [];
  readonly settled = new Map<number, 0 | 1>();
  readonly commits: { readonly mark: CommitMark; readonly covers: readonly number[] }[] = [];
  isLost = false;
  next = 0;
}

describe('what is settled and not committed', () => {
  it('is counted for its command topic from the answer until a commit that covers it is acknowledged', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let rooms = 0;
        const unrecorded = new Unrecorded(new Topics('').commands(['whatsapp']), LIMIT, () => rooms++);
        const counts = LANES.map((lane) => unrecorded.of('whatsapp', lane));
        const models = Array.from({ length: PARTITIONS }, () => new Model());
        for (const step of all) {
          const model = models[step.partition] as Model;
          const wasFull = counts.filter(({ isFull }) => isFull).length;
          const roomsBefore = rooms;
          apply(step, model, counts);
          counts.forEach((count, lane) => {
            const expected = models.reduce((sum, each) => sum + expectedOf(each, lane as 0 | 1), 0);
            expect(count.commands).toBe(expected);
            expect(count.isFull).toBe(expected >= LIMIT);
          });
          const isFull = counts.filter((count) => count.isFull).length;
          expect(rooms - roomsBefore).toBe(Math.max(0, wasFull - isFull));
        }
      }),
    );
  });
});

function apply(step: Step, model: Model, counts: readonly ReturnType<Unrecorded['of']>[]): void {
  const { uncommitted } = model;
  switch (step.kind) {
    case 'answer':
      model.answered.push(step.lane);
      counts[step.lane]?.add(1);
      return;
    case 'settle': {
      const lane = model.answered.shift();
      if (lane === undefined) return;
      model.settled.set(model.next++, lane);
      uncommitted.settle(counts[lane] ?? null);
      return;
    }
    case 'commit':
      model.commits.push({ mark: uncommitted.mark(), covers: [...model.settled.keys()] });
      return;
    case 'acknowledge': {
      const commit = model.commits.shift();
      if (commit === undefined) return;
      for (const command of commit.covers) model.settled.delete(command);
      uncommitted.committed(commit.mark);
      return;
    }
    case 'lose':
      model.isLost = true;
      uncommitted.lose();
      return;
    case 'open':
      model.isLost = false;
      uncommitted.open(false);
      return;
    case 'open-committed':
      model.isLost = false;
      model.settled.clear();
      uncommitted.open(true);
  }
}

function expectedOf({ answered, settled, isLost }: Model, lane: 0 | 1): number {
  const settledHere = isLost ? [] : [...settled.values()];
  return [...answered, ...settledHere].filter((each) => each === lane).length;
}
