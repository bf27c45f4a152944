import { randomInt } from 'node:crypto';

/** The suites, and which share of the cases each gets: answers cost a call each, the others microseconds. */
const SHARES = { decode: 0.55, results: 0.15, 'commit-metadata': 0.2, answers: 0.1 } as const;
export type SuiteName = keyof typeof SHARES;

/** Cases of the short form, which every test run has. */
const SHORT_FORM = 6_000;
const MAX_SEED = 2 ** 31 - 1;

/** Whether this is the long form, `FUZZ_CASES=200000`: it tells how far it is, and leaves a row for the table. */
export const isLongForm = process.env['FUZZ_CASES'] !== undefined;

const total = wholeNumber('FUZZ_CASES', SHORT_FORM);

/** Where the generators begin: `FUZZ_SEED`, else anywhere. */
export const seed = wholeNumber('FUZZ_SEED', randomInt(MAX_SEED));

/** How many cases a suite runs beside its corpus. */
export function casesOf(suite: SuiteName): number {
  return Math.round(total * SHARES[suite]);
}

function wholeNumber(name: string, otherwise: number): number {
  const text = process.env[name];
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || text.trim() === '') {
    throw new Error(`${name} must be a whole number, as in ${name}=200000`);
  }
  return value;
}
