/**
 * NODE_OPTIONS loads this before a program. It shifts the program's wall clock by the milliseconds in the file that
 * CHAOS_CLOCK_FILE names, which is read again and again. Monotonic clocks and timers stay right, as they do when
 * somebody sets a machine's clock.
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
