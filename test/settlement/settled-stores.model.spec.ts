import fc from 'fast-check';
import { MemorySettledStore } from '../../src/settlement/memory-settled-store';
import type { Claim, Progress, SettledStore } from '../../src/settlement/settled-store';
import { type Process, RedisBed } from './redis-bed';
import { SettledModel } from './settled-model';
import { ended } from './store-fixtures';

type Step =
  | { readonly kind: 'claim' | 'keep' | 'release'; readonly process: number; claim: Claim; progress: Progress }
  | { readonly kind: 'settle'; readonly process: number; claim: Claim; readonly id: string }
  | { readonly kind: 'crash'; readonly process: number };

const PROCESSES = 3;

function steps(processes: number): fc.Arbitrary<Step[]> {
  const claim: fc.Arbitrary<Claim> = fc.record({
    key: fc.constantFrom('c-1', 'c-2'),
    digest: fc.constantFrom('a', 'a', 'a', 'b'),
    record: fc.constantFrom('t/0/1', 't/0/1', 't/0/2'),
    redrive: fc.constantFrom(null, null, null, 'r-1', 'r-2'),
  });
  const progress = fc.record({ attempts: fc.constantFrom(0, 0, 1, 2), perhapsSent: fc.boolean() });
  const process = fc.nat(processes - 1);
  const told = fc.record({ process, claim, progress });
  const options: fc.WeightedArbitrary<Step>[] = [
    { weight: 6, arbitrary: told.map((step) => ({ kind: 'claim', ...step })) },
    { weight: 2, arbitrary: told.map((step) => ({ kind: 'keep', ...step })) },
    { weight: 2, arbitrary: told.map((step) => ({ kind: 'release', ...step })) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle'), process, claim, id: fc.string() }) },
  ];
  if (processes > 1)
    options.push({ weight: 2, arbitrary: process.map((index) => ({ kind: 'crash', process: index })) });
  return fc.array(fc.oneof(...options), { minLength: 5, maxLength: 40 });
}

describe('the stores of settled commands', () => {
  let bed: RedisBed;
  let runs = 0;

  beforeAll(async () => {
    bed = await RedisBed.start();
  });

  afterEach(() => bed.stopProcesses());
  afterAll(() => bed.stop());

  it('give one process the same answers, whatever it does', async () => {
    const redis = await bed.process();
    await fc.assert(
      fc.asyncProperty(steps(1), async (sequence) => {
        const model = new SettledModel();
        const memory = new MemorySettledStore({ ttlMs: 1e9, maxCommands: 100, nowMs: () => 0 });
        const run = `run-${++runs}`;
        for (const step of sequence) {
          const expected = await perform(step, 'me', model);
          for (const store of [memory, redis.store]) {
            expect(await performOn(store, inRun(step, run))).toEqual(expected);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keep to the rules of the model in Redis while processes die', async () => {
    await fc.assert(
      fc.asyncProperty(steps(PROCESSES), async (sequence) => {
        const model = new SettledModel();
        const run = `run-${++runs}`;
        const processes = new Map<number, Process>();
        for (const step of sequence) {
          const process = processes.get(step.process) ?? (await bed.process());
          processes.set(step.process, process);
          const expected = await perform(step, process.leaseKey, model);
          if (step.kind === 'crash') {
            await bed.die(process);
            processes.delete(step.process);
            continue;
          }
          expect(await performOn(process.store, inRun(step, run))).toEqual(expected);
          await bed.untilWritten(process);
        }
        await bed.stopProcesses();
      }),
      { numRuns: 60 },
    );
  });
});

function inRun(step: Step, run: string): Step {
  return step.kind === 'crash' ? step : { ...step, claim: { ...step.claim, key: `${run}:${step.claim.key}` } };
}

function perform(step: Step, process: string, model: SettledModel): unknown {
  switch (step.kind) {
    case 'claim':
      return model.claim(process, step.claim, step.progress);
    case 'keep':
      return model.keep(process, step.claim, step.progress);
    case 'release':
      return model.release(process, step.claim, step.progress);
    case 'settle':
      return model.remember(step.claim, ended('accepted', step.id));
    case 'crash':
      return model.die(process);
  }
}

async function performOn(store: SettledStore, step: Step): Promise<unknown> {
  switch (step.kind) {
    case 'claim':
      return store.claim(step.claim, step.progress);
    case 'keep':
      return store.keep(step.claim, step.progress);
    case 'release':
      return store.release(step.claim, step.progress);
    case 'settle':
      return store.remember(step.claim, ended('accepted', step.id));
    case 'crash':
      return undefined;
  }
}
