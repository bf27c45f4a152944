import type { Claim, Progress } from './settled-store';

/** What Redis has still to be told of a command. */
export type Write =
  | { readonly kind: 'keep' | 'release'; readonly claim: Claim; readonly progress: Progress }
  | { readonly kind: 'settle'; readonly claim: Claim; readonly settled: string };

const MAX_COMMANDS = 100_000;

/** What has not been acknowledged yet, also while it is under way: the last of each command, by its key, oldest first. */
export class Unwritten {
  readonly #writes = new Map<string, Write>();
  #lost = 0;

  get size(): number {
    return this.#writes.size;
  }

  /** Beyond 100,000 commands the oldest is lost. */
  add(key: string, write: Write): void {
    this.#writes.delete(key);
    this.#writes.set(key, write);
    if (this.#writes.size <= MAX_COMMANDS) return;
    const [oldest] = this.#writes.keys();
    if (oldest !== undefined) this.#writes.delete(oldest);
    this.#lost += 1;
  }

  get(key: string): Write | undefined {
    return this.#writes.get(key);
  }

  delete(key: string): void {
    this.#writes.delete(key);
  }

  first(count: number): [key: string, write: Write][] {
    const first: [string, Write][] = [];
    for (const entry of this.#writes) {
      if (first.push(entry) === count) break;
    }
    return first;
  }

  /** How many have been lost since it was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
}
