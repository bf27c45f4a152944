import { type DoneMarks, MAX_RULES, marksBytes, type Rule, WIDE_BYTES } from './done-marks';
import { OffsetBits } from './offset-bits';
import { BITMAP_SPAN } from './wide-metadata';

/** A consistent view of what may be committed; `version` is handed back once it has been. */
export interface LedgerCommit {
  readonly base: number;
  readonly marks: DoneMarks;
  readonly version: number;
}

/** What an earlier owner's rules say of records that this one has not read yet. */
interface Unread {
  readonly reach: number;
  readonly exceptions: Set<number>;
}

/** What the ledger says of a record that the first reading has come to. */
export type Met = 'new' | 'in hand' | 'done';

/**
 * Which offsets of one partition are done, in hand, or passed over, over any span. The commit offset never passes one
 * that is not
 * done; what is done beyond it is told in the commit's marks.
 *
 *     unread → taken (in hand) → done
 *         └──→ passed over ⇄ taken (in hand) → done
 *     in hand → forgotten: passed over, as far as the ledger is concerned
 *
 * The first reading meets each offset once, in order; what it jumps over does not exist. Later readings meet what lies
 * before
 * `position` again. A record is `ruled` if one of the rules covers it that are given with `nextCommit`; whoever calls
 * says so.
 */
export class WideLedger {
  private readonly bits = new OffsetBits();
  private readonly inHand = new Set<number>();
  /** In hand from an earlier time as owner, and not read again yet. */
  private readonly ahead: Set<number>;
  /** Settled while `ahead`, where rules of an earlier owner speak of the offset. */
  private readonly late = new Set<number>();
  private unread: Unread | null = null;
  private earlier: WideLedger | null = null;
  private first: number | null;
  private next: number | null;
  /** The bits are about offsets below it. */
  private known: number;
  /** The offset after the last one that was ever in hand or done. */
  private top: number;
  private readonly beganWithRules: boolean;
  private version = 0;
  private committedVersion = 0;
  private committedBase: number | null;

  /**
   * @param committed the group's committed offset, null where there is none
   * @param marks what is done beyond it
   * @param inHand offsets whose calls are still on the wire from an earlier time as owner
   */
  constructor(committed: number | null, marks: DoneMarks = { kind: 'done', done: [] }, inHand: Iterable<number> = []) {
    this.first = committed;
    this.next = committed;
    this.committedBase = committed;
    this.known = committed ?? 0;
    this.top = this.known;
    this.ahead = new Set(inHand);
    this.beganWithRules = marks.kind === 'rules';
    if (committed !== null) this.load(committed, marks);
  }

  /** Where the first reading goes on; null before anything is known of the partition. */
  get position(): number | null {
    return this.next;
  }

  /** The safe commit offset: the first that is not done. */
  get base(): number | null {
    return this.first;
  }

  get inHandCount(): number {
    return this.inHand.size + this.ahead.size;
  }

  /** Records that were read and are neither done nor in hand. */
  get passedCount(): number {
    if (this.next === null || this.first === null) return 0;
    return this.bits.count('notDone', this.first, this.next) - this.inHand.size;
  }

  /**
   * Whether an earlier owner's rules still speak of records that were not read: no rule may be added or go until then.
   */
  get hasUnread(): boolean {
    return this.unread !== null;
  }

  /** Whether the offset lies before `position`, is not done, and not in hand. */
  isPassed(offset: number): boolean {
    return this.next !== null && offset < this.next && this.bits.isNotDone(offset) && !this.inHand.has(offset);
  }

  isRuled(offset: number): boolean {
    return this.bits.isRuled(offset);
  }

  openOffsets(): number[] {
    return [...this.inHand, ...this.ahead];
  }

  /** The ledger of the partition's next assignment, from what the group has committed by then; see ADR 003. */
  successor(committed: number | null, marks: DoneMarks): WideLedger {
    const inHand = this.openOffsets();
    if (this.first === null || (committed ?? -1) < (this.committedBase ?? -1)) {
      return new WideLedger(committed, marks, inHand);
    }
    const next = new WideLedger(committed, marks, inHand);
    next.adopt(this, this.first);
    return next;
  }

  /** Nothing is left in [position, to): compaction, markers, retention. */
  skip(to: number): void {
    const from = this.next ?? to;
    if (from < to) {
      this.bits.clear(from, Math.min(to, this.known));
      for (const offset of this.ahead) if (offset >= from && offset < to) this.stay(offset);
      if (this.unread !== null) {
        for (const offset of this.unread.exceptions) if (offset < to) this.unread.exceptions.delete(offset);
      }
    }
    this.moveTo(to);
  }

  /** Nothing is left in [from, to) of what was read before, but what is in hand. Returns what was passed over there. */
  skipAgain(from: number, to: number): number[] {
    const passed: number[] = [];
    for (const offset of this.bits.offsets('notDone', from, to)) if (!this.inHand.has(offset)) passed.push(offset);
    for (const offset of passed) this.bits.set(offset, false, false);
    for (const offset of Array.from(this.bits.offsets('exceptions', from, to))) {
      if (!this.inHand.has(offset)) this.bits.set(offset, false, false);
    }
    this.passDone();
    return passed;
  }

  /** Retention has removed everything below `offset`. Returns what was passed over there. */
  dropBefore(offset: number): number[] {
    if (this.next === null || this.first === null || offset <= this.first) return [];
    const passed = this.skipAgain(this.first, Math.min(offset, this.next));
    if (offset > this.next) this.skip(offset);
    return passed;
  }

  /**
   * The first reading has come to `offset`, which is `position`. Only what is new is left to be taken or passed over.
   */
  meet(offset: number, isRuled: boolean): Met {
    if (this.isDoneBefore(offset, isRuled)) {
      this.bits.set(offset, false, isRuled);
      this.top = Math.max(this.top, offset + 1);
      this.moveTo(offset + 1);
      return 'done';
    }
    if (!this.ahead.has(offset)) return 'new';
    this.stay(offset, isRuled);
    this.moveTo(offset + 1);
    return 'in hand';
  }

  /** The record is handed out. It was met just now, or passed over before. */
  take(offset: number, isRuled: boolean): void {
    this.inHand.add(offset);
    this.bits.set(offset, true, isRuled);
    this.top = Math.max(this.top, offset + 1);
    if (offset >= (this.next ?? 0)) this.moveTo(offset + 1);
  }

  /** The record that was met just now is left for a later reading. */
  pass(offset: number, isRuled: boolean): void {
    this.bits.set(offset, true, isRuled);
    this.moveTo(offset + 1);
  }

  /** Says anew whether a rule covers a record that was read. */
  rule(offset: number, isRuled: boolean): void {
    this.bits.set(offset, this.bits.isNotDone(offset), isRuled);
  }

  /** The command at `offset` is settled. Settling twice, or what was never in hand, changes nothing. */
  settle(offset: number): void {
    if (this.inHand.delete(offset)) {
      this.bits.set(offset, false, this.bits.isRuled(offset));
    } else if (this.ahead.delete(offset)) {
      this.settleAhead(offset);
    } else return;
    this.version++;
    this.passDone();
  }

  /** The command at `offset` was given up undispatched. */
  forget(offset: number): void {
    this.inHand.delete(offset);
    this.ahead.delete(offset);
  }

  /**
   * Whether the record at `offset` may be taken: then the marks fit the metadata whatever of what is in hand ends
   * first. The record
   * at the base may always be, since nothing else makes room.
   */
  hasRoomFor(offset: number): boolean {
    const base = this.first;
    if (base === null || offset === base) return true;
    const isWhole = this.unread === null;
    const topSpan = Math.max(this.top, offset + 1) - base;
    if (isWhole && topSpan <= BITMAP_SPAN) return true;
    const known = Math.max(this.known, offset + 1, this.unread?.reach ?? 0);
    const { notDoneCount, exceptionCount } = this.bits;
    const done = this.known - base - notDoneCount;
    const exceptions = exceptionCount + (this.unread?.exceptions.size ?? 0) + 1;
    return (
      (isWhole && marksBytes.done(done + this.inHandCount + 1, topSpan) <= WIDE_BYTES) ||
      (isWhole && marksBytes.open(notDoneCount + 1, known - base) <= WIDE_BYTES) ||
      ((this.isRead || this.beganWithRules) && marksBytes.rules(MAX_RULES, exceptions, known - base) <= WIDE_BYTES)
    );
  }

  /** What to commit; null where the last commit still says it all, or where no marks fit. */
  nextCommit(rules: readonly Rule[]): LedgerCommit | null {
    return this.version === this.committedVersion ? null : this.state(rules);
  }

  /** What may be committed now; null before anything is known of the partition, and where no marks fit. */
  state(rules: readonly Rule[]): LedgerCommit | null {
    const base = this.first;
    if (base === null) return null;
    const marks = this.unread === null ? this.smallest(base, rules) : this.unreadMarks(base, this.unread, rules);
    return marks && { base, marks, version: this.version };
  }

  /** Whether something is settled that the last commit does not say. */
  get isUncommitted(): boolean {
    return this.version !== this.committedVersion;
  }

  /** The commit went through. */
  committed(commit: LedgerCommit): void {
    this.committedVersion = Math.max(this.committedVersion, commit.version);
    this.committedBase = commit.base;
  }

  private smallest(base: number, rules: readonly Rule[]): DoneMarks | null {
    const { bits } = this;
    const reach = Math.max(base, this.top);
    const span = reach - base;
    if (span <= BITMAP_SPAN) return { kind: 'done', done: [...bits.done(base, reach)] };
    const open = bits.count('notDone', base, reach);
    const exceptions = bits.count('exceptions', base, reach);
    const doneBytes = marksBytes.done(span - open, span);
    const openBytes = marksBytes.open(open, span);
    const ruleBytes = marksBytes.rules(rules.length, exceptions, span);
    const least = Math.min(doneBytes, openBytes, this.isRead ? ruleBytes : Infinity);
    if (least > WIDE_BYTES) return this.isRead ? null : this.ruledMarks(base, rules);
    if (doneBytes === least) return { kind: 'done', done: [...bits.done(base, reach)] };
    if (openBytes === least) return { kind: 'open', reach, open: [...bits.offsets('notDone', base, reach)] };
    return { kind: 'rules', reach, rules, exceptions: [...bits.offsets('exceptions', base, reach)] };
  }

  /**
   * What a rule covers is known only of what was read. So where something beyond is known to be done, and neither of
   * the other forms
   * fits, that much is left out: a crash repeats it.
   */
  private ruledMarks(base: number, rules: readonly Rule[]): DoneMarks | null {
    const reach = this.next ?? base;
    const exceptions = [...this.bits.offsets('exceptions', base, reach)];
    const bytes = marksBytes.rules(rules.length, exceptions.length, reach - base);
    return bytes > WIDE_BYTES ? null : { kind: 'rules', reach, rules, exceptions };
  }

  /** As long as records are unread that only rules speak of, rules alone can tell what is done. */
  private unreadMarks(base: number, { reach, exceptions }: Unread, rules: readonly Rule[]): DoneMarks | null {
    const read = [...this.bits.offsets('exceptions', base, this.next ?? base)];
    const all = [...read, ...[...exceptions].sort((a, b) => a - b)];
    if (marksBytes.rules(rules.length, all.length, reach - base) > WIDE_BYTES) return null;
    return { kind: 'rules', reach, rules, exceptions: all };
  }

  private load(base: number, marks: DoneMarks): void {
    switch (marks.kind) {
      case 'done':
        this.knowUpTo((marks.done.at(-1) ?? base - 1) + 1);
        for (const offset of marks.done) this.bits.set(offset, false, false);
        break;
      case 'open':
        this.known = marks.reach;
        for (const offset of marks.open) this.bits.set(offset, true, false);
        break;
      case 'rules':
        if (marks.reach > base) this.unread = { reach: marks.reach, exceptions: new Set(marks.exceptions) };
        return;
    }
    this.top = Math.max(this.top, this.known);
  }

  /** Takes over what an earlier ledger of this process knows to be done, committed or not. */
  private adopt(earlier: WideLedger, base: number): void {
    const committed = this.committedBase;
    if (base > (committed ?? -1)) {
      this.skip(base);
      this.version++;
    }
    if (this.unread !== null) {
      this.earlier = earlier;
      return;
    }
    this.absorb(earlier.doneHere(), base);
  }

  /** Whether nothing is known of what the first reading has not come to. */
  private get isRead(): boolean {
    return (this.next ?? 0) >= this.known;
  }

  /** Whatever lies between what is known and `end` counts as not done. */
  private knowUpTo(end: number): void {
    if (end <= this.known) return;
    this.bits.open(this.known, end);
    this.known = end;
  }

  private isDoneBefore(offset: number, isRuled: boolean): boolean {
    const { earlier, unread } = this;
    if (this.late.delete(offset)) return true;
    if (earlier?.knowsDone(offset) === true) return true;
    if (unread !== null && offset < unread.reach) return isRuled === unread.exceptions.has(offset);
    return offset < this.known && !this.bits.isNotDone(offset);
  }

  /** What this ledger and those before it know to be done at or beyond their bases. */
  private *doneHere(): Iterable<number> {
    yield* this.bits.done(this.first ?? this.top, this.top);
    yield* this.doneEarlier();
  }

  private *doneEarlier(): Iterable<number> {
    yield* this.late;
    if (this.earlier !== null) yield* this.earlier.doneHere();
  }

  /** Takes for done what is, at or beyond `from`, where no rules speak of what was not read. */
  private absorb(done: Iterable<number>, from: number): void {
    for (const offset of done) {
      if (offset < from) continue;
      this.knowUpTo(offset + 1);
      if (this.bits.isNotDone(offset)) this.version++;
      this.bits.set(offset, false, false);
      this.top = Math.max(this.top, offset + 1);
    }
  }

  private knowsDone(offset: number): boolean {
    const isRead = this.first !== null && offset < this.top && !this.bits.isNotDone(offset);
    return isRead || this.late.has(offset) || this.earlier?.knowsDone(offset) === true;
  }

  private settleAhead(offset: number): void {
    if (this.unread !== null) {
      // An exception that is in hand is not done although no rule covers it. What else it may be shows when it is read.
      this.unread.exceptions.delete(offset);
      this.late.add(offset);
      return;
    }
    this.knowUpTo(offset + 1);
    this.bits.set(offset, false, false);
    this.top = Math.max(this.top, offset + 1);
  }

  private stay(offset: number, isRuled = false): void {
    this.ahead.delete(offset);
    this.inHand.add(offset);
    this.bits.set(offset, true, isRuled);
    this.top = Math.max(this.top, offset + 1);
  }

  private moveTo(offset: number): void {
    this.first ??= offset;
    this.next = Math.max(this.next ?? 0, offset);
    this.known = Math.max(this.known, offset);
    this.unread?.exceptions.delete(offset - 1);
    if (this.unread !== null && this.next >= this.unread.reach) {
      this.unread = null;
      this.absorb(this.doneEarlier(), this.next);
      this.late.clear();
      this.earlier = null;
    }
    this.passDone();
  }

  private passDone(): void {
    const { first, next } = this;
    if (first === null || next === null || first >= next || this.bits.isNotDone(first)) return;
    this.first = this.bits.firstNotDone(first, next);
    this.bits.forgetBefore(this.first);
    this.version++;
  }
}
