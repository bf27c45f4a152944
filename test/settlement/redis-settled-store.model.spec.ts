import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { inRun, perform, performOn, steps } from './model-steps';
import { type Process, RedisBed } from './redis-bed';
import { SettledModel } from './settled-model';

const PROCESSES = 3;

describe('the store of settled commands in Redis', () => {
  let bed: RedisBed;

  beforeAll(async () => {
    bed = await RedisBed.onShared();
  });

  afterEach(() => bed.stopProcesses());
  afterAll(() => bed.stop());

  it('answers as the model does, whatever one process does', async () => {
    const { store } = await bed.process();
    await fc.assert(
      fc.asyncProperty(steps(1), async (sequence) => {
        const model = new SettledModel();
        const run = randomUUID();
        for (const step of sequence) {
          expect(await performOn(store, inRun(step, run))).toEqual(await perform(step, 'me', model));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('answers as the model does while processes die', async () => {
    await fc.assert(
      fc.asyncProperty(steps(PROCESSES), async (sequence) => {
        const model = new SettledModel();
        const run = randomUUID();
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
