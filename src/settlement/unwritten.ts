import type { Claim, Progress } from './settled-store';

/** A write that Redis has not acknowledged yet. */
export type Write =
  | { readonly kind: 'keep' | 'release'; readonly claim: Claim; readonly progress: Progress }
  | { readonly kind: 'remember'; readonly claim: Claim; readonly settled: string };

const MAX_COMMANDS = 100_000;

/** Writes without an acknowledgement, sent or not: the last one of each command, by its key, oldest first. */
export class Unwritten {
  private readonly writes = new Map<string, Write>();
  private lost = 0;

  get size(): number {
    return this.writes.size;
  }

  /** With more than 100,000 commands, the oldest write is lost. */
  add(key: string, write: Write): void {
    this.writes.delete(key);
    this.writes.set(key, write);
    if (this.writes.size <= MAX_COMMANDS) return;
    const [oldest] = this.writes.keys();
    if (oldest !== undefined) this.writes.delete(oldest);
    this.lost += 1;
  }

  get(key: string): Write | undefined {
    return this.writes.get(key);
  }

  delete(key: string): void {
    this.writes.delete(key);
  }

  first(count: number): [key: string, write: Write][] {
    const first: [string, Write][] = [];
    for (const entry of this.writes) {
      if (first.push(entry) === count) break;
    }
    return first;
  }

  /** How many writes have been lost since the last call. */
  takeLost(): number {
    const lost = this.lost;
    this.lost = 0;
    return lost;
  }
}
