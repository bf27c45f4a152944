import fc from 'fast-check';
import { assignSticky, type Member } from '../../../src/kafka/group/sticky-assignment';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const groups = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 40 }))
  .chain(([members, partitions]) =>
    fc.tuple(
      fc.array(fc.array(fc.nat(45), { maxLength: 20 }), { minLength: members, maxLength: members }),
      fc.constant(partitions),
    ),
  )
  .map(([owned, partitions]) => ({
    members: owned.map((own, i): Member => ({ memberId: `m-${i}`, owned: own })),
    partitions: range(partitions),
  }));

describe('the sticky assignment', () => {
  it('gives every partition to exactly one member, and no two members differ by more than one', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const shares = [...assignSticky(members, partitions).values()];
        const sizes = shares.map((own) => own.length);
        expect(shares.flat().toSorted((a, b) => a - b)).toEqual(partitions);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not depend on the order in which members are listed', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const backwards = assignSticky(members.toReversed(), partitions);
        expect(backwards).toEqual(assignSticky(members, partitions));
      }),
    );
  });

  it('moves nothing if the spread is even already', () => {
    const owned = { a: [1, 4, 6], b: [0, 2, 3], c: [5, 7] };
    const members = Object.entries(owned).map(([memberId, own]) => ({ memberId, owned: own }));
    expect(Object.fromEntries(assignSticky(members, range(8)))).toEqual(owned);
  });

  it('moves only the partitions that a new member has to get', () => {
    const members = [
      { memberId: 'a', owned: range(8) },
      { memberId: 'b', owned: [] },
    ];
    expect(assignSticky(members, range(8)).get('a')).toEqual([0, 1, 2, 3]);
  });

  it('leaves the other members their partitions if one member has left', () => {
    const members = [
      { memberId: 'a', owned: [0, 1, 2] },
      { memberId: 'b', owned: [3, 4, 5] },
    ];
    const assignment = assignSticky(members, range(8));
    expect(members.every(({ memberId, owned }) => owned.every((p) => assignment.get(memberId)?.includes(p)))).toBe(
      true,
    );
  });

  it('assigns a partition that two members name to one of them', () => {
    const members = [
      { memberId: 'a', owned: [0, 1] },
      { memberId: 'b', owned: [0] },
    ];
    const assignment = assignSticky(members, [0, 1]);
    expect(new Set([...assignment.values()].flat())).toEqual(new Set([0, 1]));
  });
});
