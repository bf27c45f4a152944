import type { Clock } from '../../dispatch/clock';
import { type CommitMetadata, encodeMetadata } from '../../offsets/commit-metadata';
import type { AssignedPartition } from './assigned-partition';

/** The argument of kafkajs' `commitOffsetsIfNecessary`, which sends the metadata too. */
export interface OffsetsToCommit {
  readonly topics: {
    topic: string;
    partitions: { partition: number; offset: string; metadata: string }[];
  }[];
}

/** One commit for several partitions, of any topics. */
export function toCommit<P extends Pick<AssignedPartition, 'topic' | 'partition'>>(
  partitions: readonly P[],
  metadataOf: (partition: P) => CommitMetadata,
): OffsetsToCommit {
  const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
  const topics = [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map((each) => {
      const commit = metadataOf(each);
      return { partition: each.partition, offset: String(commit.base), metadata: encodeMetadata(commit) };
    }),
  }));
  return { topics };
}

/**
 * A group that rebalances refuses commits for a moment. The retry is soon: until it succeeds, a crash repeats commands.
 */
const AFTER_FAILURE_MS = 50;

interface Deps {
  readonly clock: Clock;
  /** Sends one commit in the current generation, without retries. Null while the consumer is in no group. */
  readonly currentCommit: () => ((offsets: OffsetsToCommit) => Promise<void>) | null;
  readonly intervalMs: number;
  /** So many settled commands are committed at once, however soon after the last commit. */
  readonly atOnce: number;
  readonly onCommitted: (durationMs: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Commits the offsets that the ledgers of one consumer's partitions permit. Commits follow one another while there is
 * something to commit, at least `intervalMs` apart. After a failed commit the next one is made from the current
 * ledgers.
 */
export class Committer {
  private readonly dirty = new Set<AssignedPartition>();
  private lastStartMs = -Infinity;
  /** Cancels the timer of the next commit; null if there is none. */
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private hasFailed = false;
  /** Commands settled since the last commit began, roughly. */
  private gathered = 0;

  constructor(private readonly deps: Deps) {}

  /** The partition may have something to commit. */
  touch(partition: AssignedPartition): void {
    this.dirty.add(partition);
    this.gathered++;
    const { clock, atOnce } = this.deps;
    if (this.gathered === atOnce && !this.hasFailed) this.cancelTimer();
    if (this.cancel !== null || this.running !== null) return;
    const waitMs = this.lastStartMs + this.spacingMs() - clock.monotonicMs();
    this.cancel = clock.after(Math.max(0, waitMs), () => {
      this.cancel = null;
      this.start();
    });
  }

  /** Makes one commit at once, if there is something to commit. */
  async flush(): Promise<void> {
    await this.running;
    this.cancelTimer();
    this.start();
    await this.running;
  }

  stop(): void {
    this.cancelTimer();
    this.dirty.clear();
  }

  private spacingMs(): number {
    const { intervalMs, atOnce } = this.deps;
    if (this.hasFailed) return Math.max(AFTER_FAILURE_MS, intervalMs);
    return this.gathered >= atOnce ? 0 : intervalMs;
  }

  private cancelTimer(): void {
    this.cancel?.();
    this.cancel = null;
  }

  private start(): void {
    this.running ??= this.commit().finally(() => {
      this.running = null;
      const [next] = this.dirty;
      if (next !== undefined) this.touch(next);
    });
  }

  private async commit(): Promise<void> {
    const send = this.deps.currentCommit();
    const startedMs = this.deps.clock.monotonicMs();
    this.lastStartMs = startedMs;
    this.gathered = 0;
    const touched = [...this.dirty];
    this.dirty.clear();
    const commits = touched.flatMap((assigned) => {
      const { topic, partition, ledger } = assigned;
      const commit = assigned.isOwned ? ledger.nextCommit() : null;
      return commit === null ? [] : [{ assigned, ledger, commit, mark: assigned.commitMark(), topic, partition }];
    });
    if (commits.length === 0) return;
    if (send === null) {
      // Without this, commands that wait until these are committed could wait for ever.
      this.putOff(commits);
      return;
    }
    const offsets = toCommit(commits, ({ assigned, commit }) => ({
      ...commit,
      owner: assigned.ownerTag,
      state: 'active',
    }));
    this.hasFailed = false;
    try {
      await send(offsets);
    } catch (error) {
      this.putOff(commits);
      this.deps.onFailed(error);
      return;
    }
    const nowMs = this.deps.clock.monotonicMs();
    for (const { assigned, ledger, commit, mark } of commits) {
      ledger.committed(commit);
      assigned.committed(nowMs, mark);
    }
    this.deps.onCommitted(nowMs - startedMs);
  }

  private putOff(commits: readonly { readonly assigned: AssignedPartition }[]): void {
    for (const { assigned } of commits) this.dirty.add(assigned);
    this.hasFailed = true;
  }
}
