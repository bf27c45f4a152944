import { type DoneMap, MAX_SPAN } from './commit-metadata';

/** What the ledger says of a record that was read. */
export type Taken =
  /** Not seen before: dispatch it. */
  | 'new'
  /** In hand already (read again after a rebalance), or done: skip it. */
  | 'known'
  /** Too far beyond the commit offset for its completion to be remembered: read it again later. */
  | 'full';

type State = 'open' | 'done' | 'forgotten';

interface Entry {
  readonly offset: number;
  state: State;
}

/** A consistent view of what may be committed; `version` is handed back once it has been. */
export interface LedgerCommit extends DoneMap {
  readonly version: number;
}

/**
 * Which offsets of one partition are in hand and which are done. Commands complete in any order; the commit offset
 * never
 * passes one that is not done, and what is done beyond it travels in the commit's metadata, so that a restart repeats
 * nothing.
 *
 * An entry is `open` from the moment it is taken, then `done`; or `forgotten`, where the partition was lost before it
 * was
 * dispatched: it is taken anew if the partition comes back. Offsets that were never read (compaction, transaction
 * markers)
 * hold nothing up. Offsets are numbers: exact to 2^53, which no partition reaches.
 */
export class PartitionLedger {
  /** Ascending by offset; everything before `head` is done and committed or about to be. */
  private entries: Entry[] = [];
  private head = 0;
  /** The offset after the last one known of; null before anything is known. */
  private position: number | null;
  /** Done beyond the commit offset by an earlier owner, and not read yet by this one. */
  private readonly doneBefore: Set<number>;
  private readonly inHandBefore: Set<number>;
  private doneBeyondHead = 0;
  private version = 0;
  private committedVersion = 0;
  /** The group's commit offset as far as this ledger knows; null for none. */
  private committedBase: number | null;

  /**
   * @param committed the group's committed offset, null where there is none
   * @param done offsets beyond it that are done already, ascending
   * @param inHand offsets whose calls are still on the wire from an earlier time as owner: not to be dispatched again
   */
  constructor(committed: number | null, done: readonly number[] = [], inHand: readonly number[] = []) {
    this.position = committed;
    this.committedBase = committed;
    this.doneBefore = new Set(done);
    this.inHandBefore = new Set(inHand);
  }

  /**
   * The ledger of the partition's next assignment, from what the group has committed by then. What is settled here
   * stays so
   * even where its commit failed, as while a coordinator is away, and what is in hand is not dispatched again. A group
   * that
   * has gone back behind this ledger's commits was reset, or the topic is a new one: its offsets mean other commands.
   */
  successor(committed: number | null, done: readonly number[]): PartitionLedger {
    const here = this.base();
    const inHand = this.openOffsets();
    if (here === null || (committed ?? -1) < (this.committedBase ?? -1)) {
      return new PartitionLedger(committed, done, inHand);
    }
    const base = Math.max(here, committed ?? 0);
    const doneHere = this.entries.slice(this.head).filter((entry) => entry.state === 'done');
    const all = new Set([...done, ...this.doneBefore, ...doneHere.map((entry) => entry.offset)]);
    const next = new PartitionLedger(
      base,
      [...all].filter((offset) => offset >= base),
      inHand,
    );
    next.committedBase = committed;
    if (base !== committed || all.size > done.length) next.version++;
    return next;
  }

  /** Registers a record that was read. Offsets normally rise; a lower one is looked up, never taken twice. */
  take(offset: number): Taken {
    const base = this.base();
    if (base !== null && offset < base) return 'known';
    if (base !== null && offset - base >= MAX_SPAN && this.head < this.entries.length) return 'full';
    const index = this.position !== null && offset < this.position ? this.indexOf(offset) : this.entries.length;
    const known = this.entries[index];
    if (known?.offset === offset) return takeAgain(known);
    const state: State = this.doneBefore.delete(offset) ? 'done' : 'open';
    this.entries.splice(index, 0, { offset, state });
    this.position = Math.max(this.position ?? 0, offset + 1);
    if (state === 'open') return this.inHandBefore.delete(offset) ? 'known' : 'new';
    this.doneBeyondHead++;
    this.passDone();
    return 'known';
  }

  /** There is nothing to be read before `next` that is not known: the commit offset steps over gaps and markers. */
  pass(next: number): void {
    if (this.position !== null && next <= this.position) return;
    this.position = next;
    if (this.head === this.entries.length) this.version++;
  }

  /** Whether `offset` is so far beyond the commit offset that it is left until commands before it are done. */
  isFar(offset: number): boolean {
    return this.head < this.entries.length && offset - (this.base() ?? offset) > MAX_SPAN / 2;
  }

  /** The command at `offset` is settled. Settling twice, or what was never taken, changes nothing. */
  settle(offset: number): void {
    const entry = this.find(offset);
    if (entry === undefined && this.inHandBefore.delete(offset)) {
      this.doneBefore.add(offset);
      this.version++;
    }
    if (entry === undefined || entry.state === 'done') return;
    entry.state = 'done';
    this.doneBeyondHead++;
    this.version++;
    this.passDone();
  }

  /** The command at `offset` was given up undispatched; it counts as unread until it is taken again. */
  forget(offset: number): void {
    this.inHandBefore.delete(offset);
    const entry = this.find(offset);
    if (entry?.state === 'open') entry.state = 'forgotten';
  }

  /** The first offset that is not done; null before anything is known. */
  get firstOpen(): number | null {
    return this.base();
  }

  /** Offsets in hand: neither done nor forgotten, whether read again by this owner or not. O(n). */
  openOffsets(): number[] {
    const open = this.entries.slice(this.head).filter((entry) => entry.state === 'open');
    return [...open.map((entry) => entry.offset), ...this.inHandBefore];
  }

  /** What to commit, or null where the last commit still says it all. */
  nextCommit(): LedgerCommit | null {
    return this.version === this.committedVersion ? null : this.state();
  }

  /** What may be committed now; null before anything is known of the partition. */
  state(): LedgerCommit | null {
    const base = this.base();
    if (base === null) return null;
    const done: number[] = [];
    if (this.doneBeyondHead > 0) {
      for (let i = this.head; i < this.entries.length; i++) {
        const entry = this.entries[i];
        if (entry?.state === 'done') done.push(entry.offset);
      }
    }
    const unread = [...this.doneBefore].filter((o) => o >= (this.position ?? base) && o - base < MAX_SPAN);
    done.push(...unread.sort((a, b) => a - b));
    return { base, done, version: this.version };
  }

  /** The commit went through. */
  committed(commit: LedgerCommit): void {
    this.committedVersion = Math.max(this.committedVersion, commit.version);
    this.committedBase = commit.base;
  }

  /** The safe commit offset: the first that is not done. */
  private base(): number | null {
    return this.entries[this.head]?.offset ?? this.position;
  }

  private passDone(): void {
    while (this.entries[this.head]?.state === 'done') {
      this.head++;
      this.doneBeyondHead--;
      this.version++;
    }
    if (this.head > 1024 && this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }

  private find(offset: number): Entry | undefined {
    const entry = this.entries[this.indexOf(offset)];
    return entry?.offset === offset ? entry : undefined;
  }

  /** Index of the first entry at or beyond `offset`, from `head` on. */
  private indexOf(offset: number): number {
    let low = this.head;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.entries[middle]?.offset ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function takeAgain(entry: Entry): Taken {
  if (entry.state !== 'forgotten') return 'known';
  entry.state = 'open';
  return 'new';
}
