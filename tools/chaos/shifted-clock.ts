/**
 * Loaded before a program through NODE_OPTIONS: its wall clock is off by as many milliseconds as the file named by CHAOS_CLOCK_FILE says,
 * which is read again all the time. Monotonic clocks and timers stay right, as they do where a machine's clock is set.
 */
import { readFileSync } from 'node:fs';

const READ_EVERY_MS = 50;

const file = process.env['CHAOS_CLOCK_FILE'] ?? '';
const RealDate = Date;
let offByMs = 0;

function now(): number {
  return RealDate.now() + offByMs;
}

function read(): void {
  try {
    offByMs = Number(readFileSync(file, 'utf8'));
  } catch {
    offByMs = 0;
  }
}

read();
setInterval(read, READ_EVERY_MS).unref();

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
