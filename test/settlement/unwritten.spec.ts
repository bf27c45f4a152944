import { Unwritten, type Write } from '../../src/settlement/unwritten';
import { aClaim, NOTHING } from './store-fixtures';

const MOST = 100_000;

describe('what Redis has still to be told', () => {
  const write: Write = { kind: 'keep', claim: aClaim(), progress: NOTHING };

  it('keeps the last of each command, the oldest first', () => {
    const unwritten = new Unwritten();
    for (const key of ['a', 'b', 'a']) unwritten.add(key, write);
    expect(unwritten.first(5).map(([key]) => key)).toEqual(['b', 'a']);
    unwritten.delete('b');
    expect(unwritten.size).toBe(1);
  });

  it('forgets the oldest of more than 100,000, and says once how many', () => {
    const unwritten = new Unwritten();
    for (let at = 0; at < MOST + 2; at++) unwritten.add(`k-${at}`, write);
    expect(unwritten.size).toBe(MOST);
    expect(unwritten.first(1).map(([key]) => key)).toEqual(['k-2']);
    expect([unwritten.takeLost(), unwritten.takeLost()]).toEqual([2, 0]);
  });
});
