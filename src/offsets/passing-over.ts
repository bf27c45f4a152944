import type { Rule } from './done-marks';
import { HandCounts, type Who, type WhoHashes } from './hand-counts';
import { KeyMarks, type KeyMarksBudget } from './key-marks';
import { isOver, type Scope, Scopes } from './scopes';
import type { WideLedger } from './wide-ledger';

/** What becomes of a record that was read. */
export type Judged =
  /** It is handed out: give it to dispatch. */
  | 'take'
  /** It waits in the log until it is read again. */
  | 'pass'
  /** It is in hand, done, or left for another reading. */
  | 'skip'
  /** Neither can be remembered for now: reading ends before it. */
  | 'hold';

/** How much of one partition may be in hand. */
export interface Parts {
  /** Commands of one workspace: its fair part of the room that there is, far fewer while it could not be sent. */
  ofWorkspace(workspaceId: string): number;
  /** Commands of one key, of which only one at a time can be sent. */
  readonly ofKey: number;
}

/** A reading of what was passed over. */
interface SecondReading {
  readonly start: number;
  at: number;
}

/** Between two readings of a bucket while less than half of what was in hand has ended. */
const BUCKET_PAUSE_MS = 1_000;
/** How many batches ahead of its share a second reading may be, and what one of its batches costs. */
const MOST_CREDIT = 12;
const BATCH_COST = 3;
/** How far the first reading may be ahead of the commit offset: some 17 MB of bits. */
const MOST_AHEAD = 2 ** 26;
/** A second reading that would find nothing for so many offsets ends; another one begins behind them. */
const LONGEST_WALK = 500;

/**
 * Which records of one partition are taken in hand, and what is read next. The first reading goes through the log once.
 * A record
 * whose workspace or key has its part in hand is passed over, and so is every later one of the same key, whatever its
 * workspace. A second reading comes by when the stock of a workspace or key runs low.
 *
 *     workspace or key:  kept → (has its part) → passed over from F on → (stock is low) → being read again from F
 *                          ↑                                └──────── has its part ────────┘          │
 *                          └───────────────────── nothing is passed over any more ────────────────────┘
 *     partition:         first reading ⇄ second reading
 *
 * Order: all records of a key that are passed over are owned by one scope and are taken by readings that see the
 * scope's records from
 * its first on; a record that such a reading cannot take goes, with its key, to the scope that it waits for.
 */
export class PassingOver {
  private readonly scopes = new Scopes();
  private readonly hand = new HandCounts();
  /**
   * Offsets whose records vanished while they were passed over. Whose they were is not known: a key of which that was
   * the last
   * stays owned until the owner's own reading has come by, since earlier ones of the key may still be there.
   */
  private readonly ghosts = new Set<number>();
  private keys: KeyMarks;
  private reading: SecondReading | null = null;
  private readings = 0;
  private heldAt: number | null = null;
  private credit = MOST_CREDIT;
  private endedSinceBucket = 0;
  private bucketBegunMs = -Infinity;

  /** @param rules what an earlier owner passed over, as the commit's marks tell it */
  constructor(
    readonly ledger: WideLedger,
    rules: readonly Rule[],
    reach: number,
    private readonly parts: Parts,
    private readonly keysBudget: KeyMarksBudget,
  ) {
    this.keys = this.newKeys();
    for (const { hash, from } of rules) {
      const scope = this.scopes.add(hash);
      if (scope !== null) Object.assign(scope, { from, ruleFrom: from, last: reach - 1 });
    }
  }

  /**
   * The offset that is to be read next; null before anything is known of the partition. A batch from elsewhere is void.
   */
  get cursor(): number | null {
    return this.reading?.at ?? this.ledger.position;
  }

  /** Whether a second reading is under way. */
  get isReadingAgain(): boolean {
    return this.reading !== null;
  }

  /** Second readings so far. */
  get readingCount(): number {
    return this.readings;
  }

  /** Whether something has to wait only because no marks, or keys, could tell what comes of it. */
  get isHeld(): boolean {
    return this.heldAt !== null && !(this.ledger.hasRoomFor(this.heldAt) && this.mayPass(this.heldAt));
  }

  /** Whether the record has to be looked at; else `judge` needs not know whose it is. */
  needsLook(offset: number): boolean {
    const { ledger } = this;
    return offset >= (ledger.position ?? 0) || ledger.isPassed(offset) || ledger.isRuled(offset);
  }

  /** What to give the commit's marks. */
  rules(): Rule[] {
    return this.scopes.rules();
  }

  /**
   * Judges the next record of the batch. Offsets between the last one judged and this one do not exist.
   *
   * @param who null for what is no command, or where `needsLook` says no
   */
  judge(offset: number, who: Who | null): Judged {
    if (offset < (this.cursor ?? 0)) return 'skip';
    this.ranTo(offset);
    const hashes = who && this.hand.hashesOf(who);
    if (this.reading === null) return this.meet(offset, who, hashes);
    const judged = this.meetAgain(this.reading, offset, who, hashes);
    this.reading.at = offset + 1;
    return judged;
  }

  /**
   * All that lies below `end` was judged or does not exist. To be called with where the batch ends, unless it was held.
   */
  ranTo(end: number): void {
    const { ledger, reading } = this;
    if (reading !== null) {
      const to = Math.min(end, ledger.position ?? end);
      if (to > reading.at) this.lost(ledger.skipAgain(reading.at, to));
      reading.at = to;
      if (to < (ledger.position ?? 0)) return;
      this.endReading(reading);
    }
    ledger.skip(end);
  }

  /** Retention has removed everything below `offset`. */
  dropBefore(offset: number): void {
    this.lost(this.ledger.dropBefore(offset));
    if (this.reading !== null && this.reading.at < offset)
      this.reading.at = Math.min(offset, this.ledger.position ?? 0);
  }

  /** The command at `offset` is settled. */
  settle(offset: number): void {
    this.hand.remove(offset);
    this.ledger.settle(offset);
    this.endedSinceBucket++;
  }

  /** The command at `offset` was given up undispatched, since the partition is lost. */
  forget(offset: number): void {
    this.hand.remove(offset);
    this.ledger.forget(offset);
  }

  /** Parts may have grown for other reasons than that commands ended. */
  reconsider(): void {
    this.endedSinceBucket++;
  }

  /** A batch was read; second readings get a quarter of them. */
  countBatch(): void {
    this.credit = this.reading === null ? Math.min(MOST_CREDIT, this.credit + 1) : this.credit - BATCH_COST;
  }

  /**
   * Where to read next. To be asked after each batch, and whenever something has ended; if it is not where the consumer
   * would go on,
   * the consumer has to seek.
   *
   * @param isFrontIdle whether the first reading has nothing to read: second readings may then have all batches
   */
  next(nowMs: number, isFrontIdle: boolean): number | null {
    const mayReadAgain = isFrontIdle || this.isHeld || this.credit >= BATCH_COST;
    if (this.reading !== null) {
      if (mayReadAgain && this.isWorthGoingOn(this.reading)) return this.reading.at;
      this.endReading(this.reading);
    }
    if (mayReadAgain) this.beginReading(nowMs);
    return this.cursor;
  }

  private meet(offset: number, who: Who | null, hashes: WhoHashes | null): Judged {
    const { ledger } = this;
    const met = ledger.meet(offset, this.isRuled(hashes, offset));
    if (met === 'in hand') this.hand.add(offset, hashes);
    if (met !== 'new') {
      if (this.isRuled(hashes, offset)) this.follow(hashes, offset);
      return 'skip';
    }
    const reason = who && hashes && this.reasonToPass(who, hashes);
    if (reason !== null) return this.pass(offset, reason, hashes);
    if (!ledger.hasRoomFor(offset)) return this.hold(offset);
    ledger.take(offset, this.isRuled(hashes, offset));
    this.heldAt = null;
    this.hand.add(offset, hashes);
    return 'take';
  }

  /** Why a record of the first reading has to wait; null where it may be taken. */
  private reasonToPass(who: Who, { workspace, key }: WhoHashes): Scope | null {
    const { scopes } = this;
    const owner = scopes.byId(this.keys.ownerOf(key));
    const own = owner ?? scopes.get(workspace) ?? scopes.get(key);
    this.recognize(who, workspace, key);
    if (own !== undefined) return own;
    if (this.hasItsPart(who.workspaceId, workspace)) return this.followed(workspace, who.workspaceId) ?? scopes.late;
    if (this.hand.of(key) >= this.parts.ofKey) return this.followed(key, null) ?? scopes.late;
    return null;
  }

  private pass(offset: number, reason: Scope, hashes: WhoHashes | null): Judged {
    if (hashes === null) return 'skip';
    if (!this.mayPass(offset)) return this.hold(offset);
    const { ledger, scopes } = this;
    for (const scope of [scopes.get(hashes.workspace), scopes.get(hashes.key)]) {
      if (scope?.ruleFrom === Infinity && !ledger.hasUnread) scope.ruleFrom = offset;
    }
    const isRuled = this.isRuled(hashes, offset);
    ledger.pass(offset, isRuled);
    if (isRuled) this.follow(hashes, offset);
    reason.from = Math.min(reason.from, offset);
    reason.last = Math.max(reason.last, offset);
    this.keys.set(hashes.key, offset, reason.id);
    return 'pass';
  }

  private mayPass(offset: number): boolean {
    return offset - (this.ledger.base ?? offset) < MOST_AHEAD && this.keys.hasRoom();
  }

  private meetAgain(reading: SecondReading, offset: number, who: Who | null, hashes: WhoHashes | null): Judged {
    const { ledger, scopes } = this;
    if (who === null || hashes === null || offset < (ledger.base ?? 0)) return 'skip';
    this.recognize(who, hashes.workspace, hashes.key);
    const owner = ledger.isPassed(offset) ? scopes.byId(this.keys.ownerOf(hashes.key)) : undefined;
    if (owner === undefined || !this.isOpen(owner, reading)) {
      this.uncover(reading, offset, hashes);
      return 'skip';
    }
    const reason = this.reasonToPassAgain(reading, offset, who, hashes);
    if (reason !== null) {
      this.handOver(hashes.key, offset, owner, reason);
      this.uncover(reading, offset, hashes);
      return 'skip';
    }
    if (!ledger.hasRoomFor(offset)) {
      this.heldAt = offset;
      this.close(owner, offset);
      return 'skip';
    }
    this.uncover(reading, offset, hashes);
    ledger.take(offset, this.isRuled(hashes, offset));
    this.keys.countTaken();
    this.hand.add(offset, hashes);
    return 'take';
  }

  /** Whose part, or turn, a record has to wait for that the reading came for; null where it may be taken. */
  private reasonToPassAgain(reading: SecondReading, offset: number, who: Who, hashes: WhoHashes): Scope | null {
    const { scopes } = this;
    const { workspace, key } = hashes;
    for (const scope of [scopes.get(workspace), scopes.get(key)]) {
      if (scope !== undefined && scope.from <= offset && !this.isOpen(scope, reading)) return scope;
    }
    if (this.hasItsPart(who.workspaceId, workspace)) {
      return this.followed(workspace, who.workspaceId, true) ?? scopes.late;
    }
    if (this.hand.of(key) >= this.parts.ofKey) return this.followed(key, null, true) ?? scopes.late;
    return null;
  }

  /** The key's records from `offset` on wait for `reason` from now on. In this reading nothing more is taken for it. */
  private handOver(key: number, offset: number, owner: Scope, reason: Scope): void {
    this.close(reason, offset);
    if (reason === owner) return;
    const last = this.keys.lastOf(key);
    reason.last = Math.max(reason.last, last);
    this.keys.set(key, last, reason.id);
  }

  private close(scope: Scope, offset: number): void {
    const isOpen = this.reading !== null && this.isOpen(scope, this.reading);
    // Up to here an open one has nothing left, as its records were taken or went to others.
    scope.from = isOpen ? offset : Math.min(scope.from, offset);
    scope.closedIn = this.readings;
  }

  /** A reading that takes a scope's records leaves nothing behind for its rule to cover. */
  private uncover(reading: SecondReading, offset: number, hashes: WhoHashes): void {
    const { ledger, scopes } = this;
    if (!ledger.isRuled(offset)) return;
    for (const scope of [scopes.get(hashes.workspace), scopes.get(hashes.key)]) {
      if (scope === undefined || scope.ruleFrom > offset || !this.isOpen(scope, reading)) continue;
      if (ledger.hasRoomFor(offset)) scope.ruleFrom = offset + 1;
      else this.close(scope, offset);
    }
    ledger.rule(offset, this.isRuled(hashes, offset));
  }

  private hold(offset: number): Judged {
    this.heldAt = offset;
    return 'hold';
  }

  /** Whether the reading takes what is passed over for the scope's sake. */
  private isOpen(scope: Scope, reading: SecondReading): boolean {
    return scope.from >= reading.start && scope.closedIn !== this.readings;
  }

  private isRuled(hashes: WhoHashes | null, offset: number): boolean {
    if (hashes === null) return false;
    const { scopes } = this;
    return (
      (scopes.get(hashes.workspace)?.ruleFrom ?? Infinity) <= offset ||
      (scopes.get(hashes.key)?.ruleFrom ?? Infinity) <= offset
    );
  }

  /** A ruled record has to be seen by a reading before its rule may go. */
  private follow(hashes: WhoHashes | null, offset: number): void {
    if (hashes === null) return;
    for (const hash of [hashes.workspace, hashes.key]) {
      const scope = this.scopes.get(hash);
      if (scope !== undefined && scope.ruleFrom <= offset) scope.last = Math.max(scope.last, offset);
    }
  }

  /** An earlier owner's rule does not tell whose it is; the first record that it covers does. */
  private recognize(who: Who, workspace: number, key: number): void {
    const ofWorkspace = this.scopes.get(workspace);
    if (ofWorkspace !== undefined) ofWorkspace.workspaceId ??= who.workspaceId;
    const ofKey = this.scopes.get(key);
    if (ofKey !== undefined) ofKey.isKey = true;
  }

  private followed(hash: number, workspaceId: string | null, isInReading = false): Scope | null {
    const scope = this.scopes.get(hash) ?? this.scopes.add(hash);
    if (scope === null) return null;
    if (workspaceId === null) scope.isKey = true;
    else scope.workspaceId = workspaceId;
    // What lies between here and the front was read without a rule for it.
    if (isInReading && scope.ruleFrom === Infinity && !this.ledger.hasUnread)
      scope.ruleFrom = this.ledger.position ?? 0;
    return scope;
  }

  /** One that holds nothing may take a command whatever its part: nothing of the partition would ever let it go on. */
  private hasItsPart(workspaceId: string, workspace: number): boolean {
    const part = this.parts.ofWorkspace(workspaceId);
    return this.hand.of(workspace) >= (this.ledger.inHandCount === 0 ? Math.max(1, part) : part);
  }

  private partOf(scope: Scope): number {
    if (scope.isKey) return this.parts.ofKey;
    const part = scope.workspaceId === null ? 1 : this.parts.ofWorkspace(scope.workspaceId);
    return this.ledger.inHandCount === 0 ? Math.max(1, part) : part;
  }

  private isWorthGoingOn(reading: SecondReading): boolean {
    for (const scope of this.scopes.all()) {
      const next = Math.max(scope.from, reading.at);
      if (!this.isOpen(scope, reading) || next > scope.last || next > reading.at + LONGEST_WALK) continue;
      if (scope.hash === null || this.hand.of(scope.hash) < this.partOf(scope)) return true;
    }
    return false;
  }

  /** Begins with whoever was served longest ago, and takes along whoever is due nearby. */
  private beginReading(nowMs: number): void {
    const { scopes } = this;
    const due = scopes.followed().filter((scope) => this.isDue(scope));
    const isBucketDue = this.isBucketDue(nowMs);
    if (isBucketDue && isOver(scopes.early)) {
      scopes.swapBuckets();
      this.endedSinceBucket = 0;
      this.bucketBegunMs = nowMs;
    }
    if (isBucketDue) due.push(scopes.early);
    const [first, ...others] = due.sort((a, b) => a.servedIn - b.servedIn);
    if (first === undefined) return;
    const nearby = others.map(({ from }) => from).filter((from) => from >= first.from - LONGEST_WALK);
    const start = Math.max(Math.min(first.from, ...nearby), this.ledger.base ?? 0);
    this.readings++;
    this.reading = { start, at: start };
    for (const scope of due) {
      scope.from = Math.max(scope.from, this.ledger.base ?? 0);
      if (scope.from >= start && scope.from <= start + LONGEST_WALK) scope.servedIn = this.readings;
    }
    // A bucket is no reason to walk on but in a reading of its own.
    scopes.late.closedIn = this.readings;
    if (!isBucketDue) scopes.early.closedIn = this.readings;
  }

  /** Whether its stock is low and something of it could be taken. */
  private isDue(scope: Scope): boolean {
    const { ledger } = this;
    const base = ledger.base ?? 0;
    const from = Math.max(scope.from, base);
    if (scope.hash === null || from > scope.last || from >= (ledger.position ?? 0)) return false;
    const part = this.partOf(scope);
    const stock = this.hand.of(scope.hash);
    return stock < part && stock * 2 <= part && ledger.hasRoomFor(from);
  }

  private isBucketDue(nowMs: number): boolean {
    const { scopes, ledger } = this;
    const bucket = isOver(scopes.early) ? scopes.late : scopes.early;
    if (isOver(bucket) || !ledger.hasRoomFor(Math.max(bucket.from, ledger.base ?? 0))) return false;
    if (bucket === scopes.early) return true;
    if (ledger.inHandCount === 0) return true;
    const hasTurnedOver = this.endedSinceBucket * 2 >= ledger.inHandCount;
    return this.endedSinceBucket > 0 && (hasTurnedOver || nowMs >= this.bucketBegunMs + BUCKET_PAUSE_MS);
  }

  private endReading(reading: SecondReading): void {
    const { scopes } = this;
    this.reading = null;
    for (const scope of scopes.all()) {
      if (this.isOpen(scope, reading) && scope.from < reading.at) scope.from = reading.at;
      if (isOver(scope)) scopes.remove(scope);
    }
    if (!scopes.isEmpty) return;
    this.keys.dispose();
    this.keys = this.newKeys();
  }

  private newKeys(): KeyMarks {
    this.ghosts.clear();
    const isPassed = (offset: number, owner: number): boolean =>
      this.ledger.isPassed(offset) ||
      (this.ghosts.has(offset) && (this.scopes.byId(owner)?.from ?? Infinity) <= offset);
    return new KeyMarks(this.ledger.position ?? 0, isPassed, this.keysBudget);
  }

  private lost(passed: readonly number[]): void {
    const base = this.ledger.base ?? 0;
    for (const ghost of this.ghosts) if (ghost < base) this.ghosts.delete(ghost);
    for (const offset of passed) if (offset >= base) this.ghosts.add(offset);
  }
}
