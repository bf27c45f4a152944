import fc from 'fast-check';
import { MemorySettledStore } from '../../src/settlement/memory-settled-store';
import { perform, performOn, steps } from './model-steps';
import { SettledModel } from './settled-model';

it('the store in memory answers as the model does, whatever its process does', async () => {
  await fc.assert(
    fc.asyncProperty(steps(1), async (sequence) => {
      const model = new SettledModel();
      const memory = new MemorySettledStore({ ttlMs: 1e9, maxCommands: 100, nowMs: () => 0 });
      for (const step of sequence) {
        expect(await performOn(memory, step)).toEqual(await perform(step, 'me', model));
      }
    }),
    { numRuns: 150 },
  );
});
