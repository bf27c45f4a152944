const WINDOW_MS = 10_000;
/** Short against the waits between attempts, so that successes just before an outage hardly count into it. */
const SLICE_MS = 50;
const LEAST_COMMANDS = 10;
const LEAST_KEYS = 5;

interface Slice {
  readonly index: number;
  calls: number;
  failures: number;
  readonly commands: Set<object>;
  readonly keys: Set<string>;
}

/**
 * The calls of the last 10 s, in slices of 50 ms. A success costs one addition; only failures are remembered by
 * command and key.
 */
export class FailureWindow {
  private slices: Slice[] = [];

  success(nowMs: number): void {
    this.slice(nowMs).calls++;
  }

  failure(command: object, key: string, nowMs: number): void {
    const slice = this.slice(nowMs);
    slice.calls++;
    slice.failures++;
    slice.commands.add(command);
    slice.keys.add(key);
  }

  clear(): void {
    this.slices = [];
  }

  /**
   * Whether the API as a whole fails, judged by the calls since `sinceMs` (at most 10 s back): at least 10 commands with at
   * least 5 ordering keys failed, and at least half of all calls did. A few poisonous commands never reach that.
   */
  isBroken(nowMs: number, sinceMs = nowMs - WINDOW_MS): boolean {
    const first = Math.floor(Math.max(sinceMs, nowMs - WINDOW_MS) / SLICE_MS);
    const slices = this.slices.filter((slice) => slice.index >= first);
    const calls = slices.reduce((sum, slice) => sum + slice.calls, 0);
    const failures = slices.reduce((sum, slice) => sum + slice.failures, 0);
    if (failures < LEAST_COMMANDS || failures * 2 < calls) return false;
    const commands = new Set(slices.flatMap((slice) => [...slice.commands]));
    const keys = new Set(slices.flatMap((slice) => [...slice.keys]));
    return commands.size >= LEAST_COMMANDS && keys.size >= LEAST_KEYS;
  }

  /** How far back the window reaches. */
  static readonly spanMs = WINDOW_MS;

  private slice(nowMs: number): Slice {
    const index = Math.floor(nowMs / SLICE_MS);
    const last = this.slices.at(-1);
    if (last?.index === index) return last;
    const slice: Slice = { index, calls: 0, failures: 0, commands: new Set(), keys: new Set() };
    this.slices = this.slices.filter((old) => old.index > index - WINDOW_MS / SLICE_MS);
    this.slices.push(slice);
    return slice;
  }
}
