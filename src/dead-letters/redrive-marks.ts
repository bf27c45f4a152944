import { encodeMetadata } from '../offsets/commit-metadata';
import type { Place } from './dead-letter';

/**
 * Number of offsets whose marks share one consumer group: as many as fit one done map. The names of groups that earlier
 * releases committed depend on it, so it stays even if a map can hold more one day.
 */
export const PAGE_OFFSETS = 22_800;

/** The marks of one partition on one page: the offsets that were redriven. */
export interface PageMarks {
  readonly partition: number;
  readonly done: readonly number[];
}

/** A commit for the group of one page. */
export interface PageCommit {
  readonly page: number;
  readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[];
}

/** The page of an offset. */
export function pageOf(offset: number): number {
  return Math.floor(offset / PAGE_OFFSETS);
}

/**
 * Which dead letters were redriven. Each has a mark of its own, since a filter may leave out any letter between two
 * others. There is a done map for each page of a partition; its base is the page's first offset.
 */
export class RedriveMarks {
  private readonly byPage = new Map<string, Set<number>>();

  constructor(marks: readonly PageMarks[]) {
    for (const { partition, done } of marks)
      for (const offset of done) this.pageMarks({ partition, offset }).add(offset);
  }

  has(place: Place): boolean {
    return this.pageMarks(place).has(place.offset);
  }

  /** The highest offset of each partition that has marks. */
  highest(): ReadonlyMap<number, number> {
    const highest = new Map<number, number>();
    for (const [key, offsets] of this.byPage) {
      const partition = Number(key.slice(0, key.indexOf('/')));
      for (const offset of offsets) highest.set(partition, Math.max(offset, highest.get(partition) ?? 0));
    }
    return highest;
  }

  /** The commits that belong to the redrive of these letters. They are marked only by `add`. */
  commitsWith(places: readonly Place[]): readonly PageCommit[] {
    const byPage = Map.groupBy(places, ({ offset }) => pageOf(offset));
    return [...byPage].map(([page, onPage]) => ({
      page,
      partitions: [...Map.groupBy(onPage, ({ partition }) => partition)].map(([partition, added]) => {
        const base = page * PAGE_OFFSETS;
        const offsets = new Set(this.pageMarks({ partition, offset: base }));
        for (const { offset } of added) offsets.add(offset);
        const done = [...offsets].toSorted((a, b) => a - b);
        const metadata = encodeMetadata({ base, done, owner: null, state: 'released' });
        return { partition, offset: String(base), metadata };
      }),
    }));
  }

  add(places: readonly Place[]): void {
    for (const place of places) this.pageMarks(place).add(place.offset);
  }

  private pageMarks({ partition, offset }: Place): Set<number> {
    const key = `${partition}/${pageOf(offset)}`;
    const known = this.byPage.get(key);
    if (known !== undefined) return known;
    const fresh = new Set<number>();
    this.byPage.set(key, fresh);
    return fresh;
  }
}
