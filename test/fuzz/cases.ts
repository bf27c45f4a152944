import { randomInt } from 'node:crypto';

/**
 * The suites, and the share of the cases that each gets. A case of `answers` takes a call, all others take
 * microseconds.
 */
const SHARES = { decode: 0.55, results: 0.15, 'commit-metadata': 0.2, answers: 0.1 } as const;
export type SuiteName = keyof typeof SHARES;

/** Number of cases in the short form, which is part of every test run. */
const SHORT_FORM = 6_000;
const MAX_SEED = 2 ** 31 - 1;

/** Whether this is the long form, `FUZZ_CASES=200000`: it reports its progress, and leaves a row for the table. */
export const isLongForm = process.env['FUZZ_CASES'] !== undefined;

const total = wholeNumber('FUZZ_CASES', SHORT_FORM);

/** Where the generators begin: `FUZZ_SEED`, or a random number. */
export const seed = wholeNumber('FUZZ_SEED', randomInt(MAX_SEED));

/** How many cases a suite runs, in addition to its corpus. */
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
