import type { UnrecordedCount } from '../../dispatch/job-source';

/** The settled commands of a partition that are part of one count. */
interface Part {
  readonly count: UnrecordedCount;
  /** How many have been settled, ever. */
  settled: number;
  /** How many of these are in an acknowledged commit. */
  committed: number;
}

/** What a commit covers: for each part, how many had been settled when it was made. */
export type CommitMark = readonly number[];

/**
 * Follows the settled commands of one partition until a commit that covers them is acknowledged: then they are
 * recorded.
 * Done offsets beyond the committed one count as covered, since they travel in the commit's metadata.
 *
 * A lost partition's commands leave the counts: this replica sends no more of it, and cannot commit it either. They
 * come
 * back with the partition, unless the group has them in its commits by then.
 */
export class Uncommitted {
  /** One; for a retry topic one for each command topic that its commands come from. */
  private readonly parts: Part[] = [];
  private isLost = false;

  /** A command that is in `count` has been settled. Null for one that was never counted. */
  settle(count: UnrecordedCount | null): void {
    if (count === null) return;
    this.partOf(count).settled++;
    if (this.isLost) count.remove(1);
  }

  /** To be taken when a commit is made, and given to `committed` once that is acknowledged. */
  mark(): CommitMark {
    return this.parts.map(({ settled }) => settled);
  }

  committed(mark: CommitMark): void {
    mark.forEach((settled, index) => {
      const part = this.parts[index];
      if (part === undefined || settled <= part.committed) return;
      const recorded = settled - part.committed;
      part.committed = settled;
      if (!this.isLost) part.count.remove(recorded);
    });
  }

  lose(): void {
    if (this.isLost) return;
    this.isLost = true;
    for (const { count, settled, committed } of this.parts) count.remove(settled - committed);
  }

  /** The partition is open again. `isCommitted`: the group's commits cover all that was settled. */
  open(isCommitted: boolean): void {
    if (isCommitted) this.committed(this.mark());
    if (!this.isLost) return;
    this.isLost = false;
    for (const { count, settled, committed } of this.parts) count.add(settled - committed);
  }

  private partOf(count: UnrecordedCount): Part {
    for (const part of this.parts) if (part.count === count) return part;
    const part = { count, settled: 0, committed: 0 };
    this.parts.push(part);
    return part;
  }
}
