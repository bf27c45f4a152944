import { WIDE_BYTES, encodeMarks } from '../../src/offsets/done-marks';
import { type LedgerCommit, WideLedger } from '../../src/offsets/wide-ledger';
import { BITMAP_SPAN } from '../../src/offsets/wide-metadata';

/** Reads [from, to): takes what `isTaken` says and passes over the rest. */
function read(
  ledger: WideLedger,
  from: number,
  to: number,
  isTaken: (offset: number) => boolean,
  isRuled = false,
): void {
  for (let offset = from; offset < to; offset++) {
    if (isTaken(offset)) ledger.take(offset, false);
    else ledger.pass(offset, isRuled);
  }
}

function settleAll(ledger: WideLedger): void {
  for (const offset of ledger.openOffsets()) ledger.settle(offset);
}

function sizeOf(commit: LedgerCommit | null): number {
  return commit === null ? Infinity : encodeMarks(commit.base, commit.marks).length;
}

const RULES = [{ hash: 7, from: 0 }];

describe('WideLedger', () => {
  it('commits as far as everything is done, and names what is done beyond', () => {
    const ledger = new WideLedger(10);
    for (const offset of [10, 11, 14, 15]) {
      ledger.skip(offset);
      ledger.take(offset, false);
    }
    ledger.settle(14);
    ledger.settle(10);
    expect(ledger.nextCommit([])).toMatchObject({ base: 11, marks: { kind: 'done', done: [12, 13, 14] } });
    ledger.settle(11);
    expect(ledger.nextCommit([])).toMatchObject({ base: 15, marks: { kind: 'done', done: [] } });
  });

  it('has nothing to commit once a commit has gone through, and again where one has not', () => {
    const ledger = new WideLedger(0);
    ledger.take(0, false);
    expect(ledger.nextCommit([])).toBeNull();
    ledger.settle(0);
    const commit = ledger.nextCommit([]);
    expect(ledger.nextCommit([])).toEqual(commit);
    if (commit !== null) ledger.committed(commit);
    expect(ledger.nextCommit([])).toBeNull();
  });

  it('never commits past what is passed over', () => {
    const ledger = new WideLedger(0);
    read(ledger, 0, 10, (offset) => offset !== 3);
    settleAll(ledger);
    expect(ledger.nextCommit([])).toMatchObject({ base: 3, marks: { done: [4, 5, 6, 7, 8, 9] } });
    expect(ledger.passedCount).toBe(1);
  });

  it('steps over gaps and markers at the end', () => {
    const ledger = new WideLedger(0);
    ledger.take(0, false);
    ledger.settle(0);
    ledger.skip(30_000_000_000);
    expect(ledger.nextCommit([])).toMatchObject({ base: 30_000_000_000, marks: { done: [] } });
  });

  it.each([
    ['few done behind a large backlog', 'done', 200_000, (offset: number) => offset >= 199_900],
    ['few that wait in front of many done', 'open', 60_000, (offset: number) => offset % 100 !== 0],
    ['one workspace with half of all records', 'rules', 200_000, (offset: number) => offset % 2 === 1],
  ] as const)('tells %s', (_, kind, count, isTaken) => {
    const ledger = new WideLedger(0);
    read(ledger, 0, count, isTaken, kind === 'rules');
    settleAll(ledger);
    const commit = ledger.nextCommit(RULES);
    expect(commit).toMatchObject({ base: 0, marks: { kind } });
    expect(sizeOf(commit)).toBeLessThanOrEqual(WIDE_BYTES);
  });

  it('writes the bitmap up to its span, and another form beyond', () => {
    const ledger = new WideLedger(0);
    read(ledger, 0, BITMAP_SPAN, (offset) => offset > 0);
    settleAll(ledger);
    expect(ledger.nextCommit(RULES)?.marks).toMatchObject({ kind: 'done' });
    ledger.take(BITMAP_SPAN, false);
    ledger.settle(BITMAP_SPAN);
    expect(ledger.nextCommit(RULES)?.marks).toMatchObject({ kind: 'open', open: [0] });
  });

  it('says in time that no marks would fit, and what was taken before fits in whatever order it ends', () => {
    const ledger = new WideLedger(0);
    let offset = 0;
    // Every other one is passed over, and no rule says which.
    for (; ledger.hasRoomFor(offset); offset++) {
      if (offset % 2 === 0) ledger.pass(offset, false);
      else ledger.take(offset, false);
    }
    expect(offset).toBeGreaterThanOrEqual(BITMAP_SPAN);
    const latestFirst = ledger.openOffsets().reverse();
    for (let from = 0; from < latestFirst.length; from += 500) {
      for (const each of latestFirst.slice(from, from + 500)) ledger.settle(each);
      expect(ledger.nextCommit([])).not.toBeNull();
    }
    expect(ledger.hasRoomFor(0)).toBe(true);
  });

  it('skips what is on the wire from an earlier time as owner, read again or not when it settles', () => {
    const ledger = new WideLedger(0, undefined, [1, 3]);
    expect(ledger.meet(0, false)).toBe('new');
    ledger.take(0, false);
    expect(ledger.meet(1, false)).toBe('in hand');
    ledger.settle(3);
    ledger.settle(1);
    expect(ledger.nextCommit([])).toMatchObject({ base: 0, marks: { kind: 'done', done: [1, 3] } });
    ledger.take(2, false);
    expect(ledger.meet(3, false)).toBe('done');
  });

  it('keeps what it has settled where the commit failed before the partition came back', () => {
    const first = new WideLedger(0);
    read(first, 0, 4, () => true);
    for (const offset of [0, 2]) first.settle(offset);
    const second = first.successor(0, { kind: 'done', done: [] });
    expect(second.position).toBe(1);
    expect(second.nextCommit([])).toMatchObject({ base: 1, marks: { kind: 'done', done: [2] } });
    expect([second.meet(1, false), second.meet(2, false), second.meet(3, false)]).toEqual([
      'in hand',
      'done',
      'in hand',
    ]);
  });

  it('forgets what it has settled where the group has gone back behind its commits', () => {
    const first = new WideLedger(5);
    first.take(5, false);
    first.settle(5);
    expect(first.successor(0, { kind: 'done', done: [] }).meet(0, false)).toBe('new');
    expect(first.successor(null, { kind: 'done', done: [] }).meet(5, false)).toBe('new');
  });

  it('goes by the rules of an earlier owner until it has read past them', () => {
    const marks = { kind: 'rules', reach: 100_000, rules: RULES, exceptions: [2, 3] } as const;
    const ledger = new WideLedger(0, marks);
    ledger.pass(0, true);
    expect(ledger.meet(1, false)).toBe('done');
    expect(ledger.meet(2, false)).toBe('new');
    ledger.take(2, false);
    expect(ledger.meet(3, true)).toBe('done');
    ledger.settle(2);
    expect(ledger.nextCommit(RULES)).toMatchObject({
      base: 0,
      marks: { kind: 'rules', reach: 100_000, exceptions: [3] },
    });
    ledger.skip(100_000);
    expect(ledger.hasUnread).toBe(false);
    expect(ledger.nextCommit(RULES)).toMatchObject({ base: 0, marks: { kind: 'done' } });
  });

  it('does not let rules speak of what it knows from an earlier owner and has not read', () => {
    const waiting = Array.from({ length: 40 }, (_, index) => index * 3);
    const ledger = new WideLedger(0, { kind: 'open', reach: 60_000, open: [...waiting, 50_000] });
    for (let offset = 0; offset < 117; offset++) {
      if (ledger.meet(offset, offset % 3 === 0) === 'new') ledger.pass(offset, true);
    }
    ledger.take(0, true);
    ledger.settle(0);
    expect(ledger.nextCommit(RULES)).toMatchObject({ marks: { kind: 'open', open: [...waiting.slice(1), 50_000] } });
  });
});
