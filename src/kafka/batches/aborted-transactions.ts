import type { RecordBatch } from './record-batch';

/** A transaction that a broker names as aborted, in the form of kafkajs. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

/**
 * Which batches of one fetch are of aborted transactions. A broker lists those that ended first, first; where
 * transactions overlap that is not the order of their first offsets, by which kafkajs 2.2.4 takes the list to be
 * sorted.
 */
export class AbortedTransactions {
  /** By falling first offset. */
  private readonly ahead: readonly { readonly producerId: string; readonly firstOffset: number }[];
  private left: number;
  /** Producers that are within an aborted transaction. */
  private readonly open = new Set<string>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.ahead = aborted
      .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
      .sort((a, b) => b.firstOffset - a.firstOffset);
    this.left = this.ahead.length;
  }

  /** Whether the records of a batch were rolled back. To be asked of each batch, in the order of offsets. */
  has({ producerId, lastOffset, isTransactional, isControl }: RecordBatch): boolean {
    for (; this.left > 0; this.left--) {
      const next = this.ahead[this.left - 1];
      if (next === undefined || next.firstOffset > lastOffset) break;
      this.open.add(next.producerId);
    }
    return isTransactional && !isControl && this.open.has(producerId);
  }

  /** The producer's transaction ends here, rolled back. */
  ended(producerId: string): void {
    this.open.delete(producerId);
  }
}
