import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { DEADLINE_MS } from '../deadline';
import { casesOf, isLongForm, seed, type SuiteName } from './cases';

/** How a case ended, if nothing is wrong with the code. */
export interface Checked {
  /** It is counted under this name. */
  readonly kind: string;
  /** How long the code under test took. */
  readonly tookMs: number;
}

/** Cases of one kind, and what must hold for each of them. */
export interface Suite<Case, Entry> {
  readonly name: SuiteName;
  readonly cases: fc.Arbitrary<Case>;
  /** Throws if the code does something that it must not. */
  readonly check: (fuzzed: Case) => Checked | Promise<Checked>;
  /** The form of a case in `corpus/<name>.json`. */
  readonly toEntry: (fuzzed: Case) => Entry;
  readonly fromEntry: (entry: Entry) => Case;
  /** Kinds that the generators must produce; otherwise they would not reach all of the code. */
  readonly mustSee: readonly string[];
  /** How many cases are checked at once, for cases that wait. */
  readonly lanes?: number;
}

/** The row of a suite in the table that the reporter prints. */
interface FuzzRow {
  readonly suite: SuiteName;
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  readonly worstMs: number;
  readonly kinds: Readonly<Record<string, number>>;
}

/** So few that a seed leads to any case in seconds. */
const BATCH = 250;
const PROGRESS_EVERY_MS = 2_000;
const MS_PER_CASE = 40;
/** After a suite's own time, a test has so many ms left to report the fault and to close everything. */
const FAILING_MS = 10_000;
const ROWS = join(__dirname, '..', '..', 'reports', 'fuzz');

/** Declares the tests of a suite: first each entry of its corpus, then mutations from the seed on. */
export function fuzz<Case, Entry extends object>(suite: Suite<Case, Entry>): void {
  const { name, fromEntry, check, mustSee } = suite;
  const total = casesOf(name);

  describe(`the corpus of ${name}`, () => {
    it.each(readCorpus<Entry>(name))('holds for a case that once failed: $shows', async ({ entry }) => {
      expect(await check(fromEntry(entry))).toHaveProperty('kind');
    });
  });

  it(
    `mutations of ${name} crash nothing, end in time and have the right outcome`,
    async () => {
      const tally = new Tally(name, total);
      await mutate(suite, total, tally);
      tally.finish();
      expect(mustSee.filter((kind) => !tally.kinds.has(kind))).toEqual([]);
    },
    budgetMs(total) + FAILING_MS,
  );
}

async function mutate<Case, Entry>(suite: Suite<Case, Entry>, total: number, tally: Tally): Promise<void> {
  const { cases, check, lanes = 1 } = suite;
  const endMs = performance.now() + budgetMs(total);
  let batches = 0;
  let failure: string | null = null;
  const property = fc.asyncProperty(cases, async (fuzzed) => tally.count(await check(fuzzed)));
  const lane = async (): Promise<void> => {
    while (failure === null && batches * BATCH < total) {
      const batch = batches++;
      const numRuns = Math.min(BATCH, total - batch * BATCH);
      // Otherwise a fault that makes every case slow would still be shrunk long after the test has ended.
      const interruptAfterTimeLimit = Math.max(0, endMs - performance.now());
      const limits = { interruptAfterTimeLimit, markInterruptAsFailure: true };
      const details = await fc.check(property, { numRuns, seed: seed + batch, ...limits });
      if (details.failed) failure ??= describeFailure(suite, details);
      await nextTurn();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  if (failure !== null) throw new Error(failure);
}

function budgetMs(total: number): number {
  return DEADLINE_MS + total * MS_PER_CASE;
}

function describeFailure<Case, Entry>(suite: Suite<Case, Entry>, details: fc.RunDetails<[Case]>): string {
  const { counterexample, counterexamplePath, errorInstance } = details;
  const { name, toEntry } = suite;
  return [
    errorInstance instanceof Error ? errorInstance.message : 'The cases did not end in time',
    `Again: FUZZ_SEED=${details.seed} (path ${counterexamplePath})`,
    ...(counterexample === null
      ? []
      : [
          `For test/fuzz/corpus/${name}.json:`,
          JSON.stringify({ shows: '…', entry: toEntry(counterexample[0]) }, null, 2),
        ]),
  ].join('\n\n');
}

function readCorpus<Entry>(name: SuiteName): readonly { readonly shows: string; readonly entry: Entry }[] {
  return JSON.parse(readFileSync(join(__dirname, 'corpus', `${name}.json`), 'utf8'));
}

/** Counts cases. In the long form it also reports the progress of the suite. */
class Tally {
  readonly kinds = new Map<string, number>();
  private cases = 0;
  private worstMs = 0;
  private readonly startedMs = performance.now();
  private toldMs = this.startedMs;

  constructor(
    private readonly suite: SuiteName,
    private readonly total: number,
  ) {}

  count({ kind, tookMs }: Checked): void {
    this.cases++;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    this.worstMs = Math.max(this.worstMs, tookMs);
    const nowMs = performance.now();
    if (isLongForm && nowMs - this.toldMs >= PROGRESS_EVERY_MS) this.tell(nowMs);
  }

  finish(): void {
    if (!isLongForm) return;
    const { suite, cases, worstMs } = this;
    const seconds = (performance.now() - this.startedMs) / 1000;
    const kinds = Object.fromEntries([...this.kinds].sort(([a], [b]) => a.localeCompare(b)));
    const row: FuzzRow = { suite, seed, cases, seconds, worstMs, kinds };
    mkdirSync(ROWS, { recursive: true });
    writeFileSync(join(ROWS, `${suite}.json`), JSON.stringify(row));
  }

  private tell(nowMs: number): void {
    this.toldMs = nowMs;
    const perSecond = Math.round((this.cases / (nowMs - this.startedMs)) * 1000);
    const [done, of, rate] = [this.cases, this.total, perSecond].map((count) => count.toLocaleString('en'));
    process.stderr.write(`fuzz ${this.suite}, seed ${seed}: ${done} of ${of} cases, ${rate}/s\n`);
  }
}
