import fc from 'fast-check';
import { type LogRecord, World } from './world';

const WORKSPACES = ['big', 'refused', 'small', 'other'];

const step: fc.Arbitrary<(world: World) => void> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 30 }).map((count) => (world: World) => void world.read(count)) },
  { weight: 20, arbitrary: fc.nat().map((pick) => (world: World) => world.settle(pick)) },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom('succeeds', 'fails', 'is delayed')
      .map((answer) => (world: World) => world.commit(answer)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('succeeds', 'fails').map((answer) => (world: World) => world.finishCommit(answer)),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom(...WORKSPACES), fc.constantFrom(0, 1, 2, 5, 20)).map(
      ([workspaceId, part]) =>
        (world: World) =>
          world.setPart(workspaceId, part),
    ),
  },
  { weight: 2, arbitrary: fc.nat(3_000).map((ms) => (world: World) => void (world.nowMs += ms)) },
  { weight: 1, arbitrary: fc.constant((world: World) => world.restart()) },
  { weight: 1, arbitrary: fc.nat(10).map((count) => (world: World) => world.revokeAndReturn(count)) },
  { weight: 2, arbitrary: fc.nat().map((pick) => (world: World) => world.vanish(pick)) },
);

/** Distances between offsets: mostly none, some so large that the bitmap is too short. */
const gap = fc.oneof(
  { weight: 30, arbitrary: fc.constant(1) },
  { weight: 10, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 30_000 }) },
);

const fewWorkspaces = fc.oneof({ weight: 3, arbitrary: fc.constant('big') }, fc.constantFrom(...WORKSPACES));
/** More than are followed one by one. */
const manyWorkspaces = fc.nat(79).map((index) => `w${index}`);

function log(workspace: fc.Arbitrary<string>): fc.Arbitrary<LogRecord[]> {
  const key = fc.nat(12).map((index) => `k${index}`);
  const record = fc.record({ gap, workspaceId: workspace, key });
  return fc.array(record, { minLength: 1, maxLength: 300, size: 'max' }).map((records) => {
    let offset = -1;
    return records.map(({ gap: distance, ...whose }): LogRecord => {
      offset += distance;
      return { offset, ...whose };
    });
  });
}

/** By default the same logs each time; `PASSING_RUNS=500` draws others. */
const DRAWN = process.env['PASSING_RUNS'];

/** @param part of each workspace */
function check(workspace: fc.Arbitrary<string>, part: number, numRuns: number): string[] {
  const forms = new Set<string>();
  fc.assert(
    fc.property(log(workspace), fc.array(step, { maxLength: 300, size: 'max' }), (records, steps) => {
      const world = new World(records, part);
      for (const run of steps) run(world);
      world.finish();
      for (const form of world.forms) forms.add(form);
      expect([...world.settled].sort((a, b) => a - b)).toEqual(world.log.map(({ offset }) => offset));
      expect(world.storedOffset).toBe(world.end);
      expect(world.unfit).toBe(0);
      expect(world.budget.bytes).toBeLessThanOrEqual(world.budget.maxBytes);
    }),
    DRAWN === undefined ? { numRuns, seed: 1, endOnFailure: true } : { numRuns: Number(DRAWN), endOnFailure: true },
  );
  return [...forms].sort();
}

describe('ledger, passing over and hand-over together', () => {
  it('send every command once and every key in order, never commit past what is open, and come to an end', () => {
    expect(check(fewWorkspaces, 5, 20)).toEqual(['done', 'open', 'rules']);
  });

  it('do so with more workspaces than are followed one by one', () => {
    expect(check(manyWorkspaces, 1, 6)).toContain('open');
  });
});
