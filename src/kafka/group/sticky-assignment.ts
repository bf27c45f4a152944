/** A member of a group, and the partitions that it had when it joined. */
export interface Member {
  readonly memberId: string;
  readonly owned: readonly number[];
}

/**
 * Spreads partitions over the members: evenly (no two members differ by more than one), and moves as few as that
 * permits. The order of the members changes nothing. A partition that two members name, since one of them missed a
 * rebalance, is treated as if nobody had it.
 */
export function assignSticky(members: readonly Member[], partitions: readonly number[]): Map<string, number[]> {
  const sorted = members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const ownerCounts = countOwners(sorted);
  const kept = new Map(
    sorted.map(({ memberId, owned }) => [
      memberId,
      [...new Set(owned)].filter((partition) => ownerCounts.get(partition) === 1 && partitions.includes(partition)),
    ]),
  );
  const least = Math.floor(partitions.length / sorted.length);
  let withOneMore = partitions.length % sorted.length;
  const byLoad = [...kept.values()].sort((a, b) => b.length - a.length);
  for (const own of byLoad) {
    const share = withOneMore > 0 && own.length > least ? least + 1 : least;
    if (share > least) withOneMore--;
    own.sort((a, b) => a - b).splice(share);
  }
  const taken = new Set([...kept.values()].flat());
  for (const partition of partitions.filter((candidate) => !taken.has(candidate))) {
    leastLoaded(kept)?.push(partition);
  }
  return kept;
}

function countOwners(members: readonly Member[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const partition of members.flatMap(({ owned }) => [...new Set(owned)])) {
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  return counts;
}

function leastLoaded(assignment: ReadonlyMap<string, number[]>): number[] | undefined {
  return [...assignment.values()].reduce<number[] | undefined>(
    (least, own) => (least === undefined || own.length < least.length ? own : least),
    undefined,
  );
}
