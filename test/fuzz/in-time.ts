import { isLongForm } from './cases';

/** The result of some code, and its cost: CPU time of this thread, which other processes do not lengthen. */
export interface Timed<T> {
  readonly given: T;
  readonly tookMs: number;
}

/** How many times as long as JSON.parse the code may take for the same number of bytes. */
const ROOM = 50;
/** Added to the bytes of every case. */
const BYTES_BESIDE = 100_000;
const TRIES = 4;

/** The yardstick: about a megabyte of JSON. */
const PLAIN = JSON.stringify(Array.from({ length: 20_000 }, (_, n) => ({ id: `c-${n}`, text: 'a text of a command' })));
let plainMs = timed(() => JSON.parse(PLAIN) as unknown).tookMs;

/**
 * Runs `work` over so many bytes. In the long form it throws if `work` takes too long for them: more than {@link ROOM}
 * times JSON.parse for as many bytes. JSON.parse is measured beside it, several times if need be.
 */
export function inTime<T>(what: string, bytes: number, work: () => T, isJudged = isLongForm): Timed<T> {
  for (let tries = 1; ; tries++) {
    const done = timed(work);
    if (!isJudged || isInProportion(done, bytes)) return done;
    // Measures the machine's speed at this moment.
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
