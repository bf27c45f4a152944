import { isLongForm } from './cases';

/** What some code gave, and what it cost: CPU time of this thread, which other processes do not lengthen. */
export interface Timed<T> {
  readonly given: T;
  readonly tookMs: number;
}

/** So many times what JSON.parse takes for as many bytes. */
const ROOM = 50;
/** Counted for every case beside its own bytes. */
const BYTES_BESIDE = 100_000;
const TRIES = 4;

/** The yardstick: about a megabyte of JSON. */
const PLAIN = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ id: `c-${n}`, text: 'a text of a command' })));
let plainMs = timed(() => JSON.parse(PLAIN) as unknown).tookMs;

/**
 * Runs `work` over so many bytes. In the long form it throws if that takes out of proportion: more than {@link ROOM} times a plain loop
 * over as many bytes that is run beside it, again and again.
 */
export function inTime<T>(what: string, bytes: number, work: () => T, isJudged = isLongForm): Timed<T> {
  for (let tries = 1; ; tries++) {
    const done = timed(work);
    if (!isJudged || isInProportion(done, bytes)) return done;
    // How fast the machine is at this moment.
    plainMs = timed(() => JSON.parse(PLAIN) as unknown).tookMs;
    if (isInProportion(done, bytes)) return done;
    if (tries === TRIES) throw new Error(`${what} took ${done.tookMs.toFixed(1)} ms, ${TRIES} times`);
  }
}

function isInProportion({ tookMs }: Timed<unknown>, bytes: number): boolean {
  return tookMs <= (ROOM * plainMs * (bytes + BYTES_BESIDE)) / PLAIN.length;
}

function timed<T>(work: () => T): Timed<T> {
  const before = process.threadCpuUsage();
  const given = work();
  const { user, system } = process.threadCpuUsage(before);
  return { given, tookMs: (user + system) / 1000 };
}
