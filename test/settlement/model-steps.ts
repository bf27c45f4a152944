import fc from 'fast-check';
import type { Claim, Progress, SettledStore } from '../../src/settlement/settled-store';
import type { SettledModel } from './settled-model';
import { ended } from './store-fixtures';

/** What a process asks of a store, or that it dies. */
export type Step =
  | { readonly kind: 'claim' | 'keep' | 'release'; readonly process: number; claim: Claim; progress: Progress }
  | { readonly kind: 'settle'; readonly process: number; claim: Claim; readonly id: string }
  | { readonly kind: 'crash'; readonly process: number };

/** Sequences of what so many processes do. */
export function steps(processes: number): fc.Arbitrary<Step[]> {
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

/** The same with commands of that run's own. */
export function inRun(step: Step, run: string): Step {
  return step.kind === 'crash' ? step : { ...step, claim: { ...step.claim, key: `${run}:${step.claim.key}` } };
}

export function perform(step: Step, process: string, model: SettledModel): unknown {
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

export async function performOn(store: SettledStore, step: Step): Promise<unknown> {
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
