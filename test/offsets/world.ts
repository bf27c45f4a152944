import assert from 'node:assert/strict';
import type { DoneMarks } from '../../src/offsets/done-marks';
import { KeyMarksBudget } from '../../src/offsets/key-marks';
import { PassingOver } from '../../src/offsets/passing-over';
import { scopeHash } from '../../src/offsets/scope-hash';
import { type LedgerCommit, WideLedger } from '../../src/offsets/wide-ledger';
import { decodeCommit, encodeCommit, type Ownership } from '../../src/offsets/wide-metadata';

/** Kafka's limit for the metadata of a commit. */
const MAX_METADATA_BYTES = 4_096;

export interface LogRecord {
  readonly offset: number;
  readonly workspaceId: string;
  readonly key: string;
}

/** What the broker keeps of a commit. */
interface Stored {
  readonly offset: number;
  readonly metadata: string;
}

const OWNERSHIP: Ownership = { owner: 'x'.repeat(22), state: 'active' };
const NOTHING: DoneMarks = { kind: 'done', done: [] };

/**
 * One partition over several owners, with its log, its consumer and its commits, and what must hold at every step. A new
 * process knows what is committed alone; an owner that comes back also knows what it has done and what is still on the wire.
 */
export class World {
  passing: PassingOver;
  nowMs = 0;
  /** Commands of one workspace that may be in hand. */
  readonly parts = new Map<string, number>();
  keyPart = 4;
  batches = 0;
  takes = 0;
  unfit = 0;
  readonly forms = new Set<string>();
  readonly settled = new Set<number>();
  /** Handed out by the present process and neither settled nor given up. */
  readonly inHand = new Map<number, LogRecord>();
  readonly settledHere = new Set<number>();
  /** Whether every completion can be told right after it: not where an earlier owner's rules speak of what is unread. */
  private tellsAll = true;
  private stored: Stored | null = null;
  private pending: { passing: PassingOver; commit: LedgerCommit; stored: Stored } | null = null;
  /** Where the consumer goes on. */
  private readAt = 0;
  private readonly byKey: Map<string, LogRecord[]>;

  /** @param log ascending; records can vanish from it */
  constructor(
    public log: LogRecord[],
    readonly defaultPart = 5,
    readonly budget = new KeyMarksBudget(16e6),
  ) {
    this.byKey = Map.groupBy(log, ({ key }) => key);
    this.passing = this.newPassing(new WideLedger(null), NOTHING);
    this.readAt = log[0]?.offset ?? 0;
  }

  get ledger(): WideLedger {
    return this.passing.ledger;
  }

  get readingCount(): number {
    return this.passing.readingCount;
  }

  get end(): number {
    return (this.log.at(-1)?.offset ?? -1) + 1;
  }

  get storedOffset(): number {
    return this.stored?.offset ?? 0;
  }

  partOf(workspaceId: string): number {
    return this.parts.get(workspaceId) ?? this.defaultPart;
  }

  /** One batch; false where there is none. */
  read(count: number): boolean {
    this.seek();
    const from = this.indexOf(this.readAt);
    const batch = this.log.slice(from, from + count);
    if (batch.length === 0) return false;
    this.batches++;
    const end = this.log[from + batch.length]?.offset ?? this.end;
    const { passing } = this;
    assert(passing.cursor === null || passing.cursor === this.readAt, 'a batch from elsewhere');
    passing.countBatch();
    let isHeld = false;
    for (const record of batch) {
      const { offset } = record;
      const wasFirst = offset >= (this.ledger.position ?? 0);
      const judged = passing.judge(offset, passing.needsLook(offset) ? record : null);
      if (judged === 'hold') {
        isHeld = true;
        break;
      }
      if (judged === 'take') this.takeIn(record);
      else if (judged === 'skip' && wasFirst) {
        assert(this.inHand.has(offset) || this.settled.has(offset), `${offset} is skipped`);
      }
    }
    if (!isHeld) passing.ranTo(batch.length > 0 ? (batch.at(-1)?.offset ?? 0) + 1 : end);
    this.readAt = passing.cursor ?? 0;
    this.seek();
    return true;
  }

  settle(pick: number): void {
    const offsets = [...this.inHand.keys()];
    const offset = offsets[pick % Math.max(1, offsets.length)];
    if (offset !== undefined) this.settleAt(offset);
  }

  settleAt(offset: number): void {
    this.inHand.delete(offset);
    this.settled.add(offset);
    this.settledHere.add(offset);
    this.passing.settle(offset);
    this.passing.settle(offset);
  }

  setPart(workspaceId: string, part: number): void {
    this.parts.set(workspaceId, part);
    this.passing.reconsider();
  }

  commit(answer: 'succeeds' | 'fails' | 'is delayed'): void {
    if (this.pending !== null) this.finishCommit('succeeds');
    const { ledger } = this;
    const commit = ledger.nextCommit(this.passing.rules());
    if (commit === null) {
      if (ledger.isUncommitted) this.unfit++;
      return;
    }
    const stored = { offset: commit.base, metadata: encodeCommit({ ...commit, ...OWNERSHIP }) };
    assert(Buffer.byteLength(stored.metadata) <= MAX_METADATA_BYTES, 'the metadata is too long');
    this.forms.add(commit.marks.kind);
    const isDoneBy = reader(stored);
    for (const record of this.log) {
      const isDone = isDoneBy(record);
      if (isDone) assert(this.settled.has(record.offset), `${record.offset} is committed and not settled`);
      else if (this.tellsAll) assert(!this.settledHere.has(record.offset), `${record.offset} is settled and not told`);
    }
    this.pending = { passing: this.passing, commit, stored };
    if (answer !== 'is delayed') this.finishCommit(answer);
  }

  finishCommit(answer: 'succeeds' | 'fails'): void {
    if (this.pending === null) return;
    const { passing, commit, stored } = this.pending;
    this.pending = null;
    if (answer === 'fails') return;
    this.stored = stored;
    passing.ledger.committed(commit);
  }

  /** The process dies and another one reads on from the commit. What was settled and not committed is sent again. */
  restart(): void {
    this.pending = null;
    this.inHand.clear();
    const isDoneBy = reader(this.stored);
    for (const record of this.log) {
      if (this.settledHere.has(record.offset) && !isDoneBy(record)) this.settled.delete(record.offset);
    }
    this.settledHere.clear();
    this.tellsAll = true;
    this.reopen(new WideLedger(null));
  }

  /** The partition is lost: a last commit is tried, some commands are given up, the rest stays on the wire. It comes back later. */
  revokeAndReturn(givenUp: number): void {
    this.commit(givenUp % 2 === 0 ? 'succeeds' : 'fails');
    for (const offset of [...this.inHand.keys()].slice(-givenUp || Infinity)) {
      this.inHand.delete(offset);
      this.passing.forget(offset);
    }
    assert.deepEqual(new Set(this.ledger.openOffsets()), new Set(this.inHand.keys()));
    this.reopen(this.ledger);
    if (this.ledger.hasUnread) this.tellsAll = false;
  }

  /** Compaction takes a record away that is not in hand. */
  vanish(pick: number): void {
    const gone = this.log[pick % Math.max(1, this.log.length)];
    if (gone === undefined || this.inHand.has(gone.offset) || gone === this.log.at(-1)) return;
    this.log = this.log.filter((each) => each !== gone);
    this.settled.delete(gone.offset);
    this.settledHere.delete(gone.offset);
    const ofKey = this.byKey.get(gone.key) ?? [];
    this.byKey.set(
      gone.key,
      ofKey.filter((each) => each !== gone),
    );
  }

  /** Everything is read, settled and committed. */
  finish(mostBatches = 2_000): void {
    const before = this.batches;
    for (const workspace of this.parts.keys()) this.setPart(workspace, this.defaultPart);
    for (let idle = 0; idle < 3;) {
      this.nowMs += 100;
      const hasRead = this.read(50) && this.batches - before < mostBatches;
      for (const offset of Array.from(this.inHand.keys())) this.settleAt(offset);
      this.seek();
      idle = hasRead || this.readAt < this.end ? 0 : idle + 1;
      assert(this.batches - before < mostBatches, 'it does not end');
    }
    this.commit('succeeds');
  }

  /** Asks where to go on, as is done after each batch and each completion. */
  private seek(): void {
    const isFrontIdle = (this.ledger.position ?? 0) >= this.end;
    this.readAt = this.passing.next(this.nowMs, isFrontIdle) ?? this.readAt;
  }

  private takeIn(record: LogRecord): void {
    const { offset, key, workspaceId } = record;
    assert(!this.inHand.has(offset), `${offset} is handed out twice`);
    assert(!this.settled.has(offset), `${offset} was settled and is handed out again`);
    for (const earlier of this.byKey.get(key) ?? []) {
      if (earlier.offset >= offset) break;
      const isBefore = this.inHand.has(earlier.offset) || this.settled.has(earlier.offset);
      assert(isBefore, `${offset} goes before ${earlier.offset} of its key`);
    }
    const ofWorkspace = [...this.inHand.values()].filter((each) => each.workspaceId === workspaceId).length;
    const ofKey = [...this.inHand.values()].filter((each) => each.key === key).length;
    const most = this.inHand.size === 0 ? Math.max(1, this.partOf(workspaceId)) : this.partOf(workspaceId);
    const isKnown = this.ledger.openOffsets().length === this.inHand.size + 1;
    if (isKnown) assert(ofWorkspace < most || this.hasAhead(), `${offset} is beyond the part of its workspace`);
    assert(ofKey < this.keyPart || this.hasAhead(), `${offset} is beyond the part of its key`);
    this.inHand.set(offset, record);
    this.takes++;
  }

  /** What is on the wire from an earlier time and not read again yet counts for nobody. */
  private hasAhead(): boolean {
    return [...this.inHand.keys()].some((offset) => offset >= (this.ledger.position ?? 0));
  }

  private reopen(before: WideLedger): void {
    const { stored } = this;
    const decoded = stored === null ? null : decodeCommit(stored.metadata, stored.offset);
    if (decoded?.ok === false) throw new Error(decoded.reason);
    const marks = decoded?.marks ?? NOTHING;
    this.passing = this.newPassing(before.successor(stored?.offset ?? null, marks), marks);
    this.readAt = this.ledger.position ?? this.log[0]?.offset ?? 0;
  }

  private newPassing(ledger: WideLedger, marks: DoneMarks): PassingOver {
    const parts = { ofWorkspace: (id: string) => this.partOf(id), ofKey: this.keyPart };
    const [rules, reach] = marks.kind === 'rules' ? [marks.rules, marks.reach] : [[], 0];
    return new PassingOver(ledger, rules, reach, parts, this.budget);
  }

  private indexOf(offset: number): number {
    let low = 0;
    let high = this.log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.log[middle]?.offset ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What a commit says of a record. */
function reader(stored: Stored | null): (record: LogRecord) => boolean {
  if (stored === null) return () => false;
  const decoded = decodeCommit(stored.metadata, stored.offset);
  if (!decoded.ok) throw new Error(decoded.reason);
  const isTold = readerOf(decoded.marks);
  return (record) => record.offset < stored.offset || isTold(record);
}

function readerOf(marks: DoneMarks): (record: LogRecord) => boolean {
  switch (marks.kind) {
    case 'done': {
      const done = new Set(marks.done);
      return ({ offset }) => done.has(offset);
    }
    case 'open': {
      const open = new Set(marks.open);
      return ({ offset }) => offset < marks.reach && !open.has(offset);
    }
    case 'rules': {
      const exceptions = new Set(marks.exceptions);
      return ({ offset, workspaceId, key }) => {
        if (offset >= marks.reach) return false;
        const hashes = [scopeHash('workspace', workspaceId), scopeHash('key', key)];
        const isRuled = marks.rules.some(({ hash, from }) => hashes.includes(hash) && offset >= from);
        return isRuled === exceptions.has(offset);
      };
    }
  }
}
