import type { Clock } from '../../dispatch/clock';
import { type CommitMetadata, encodeMetadata } from '../../offsets/commit-metadata';
import type { AssignedPartition } from './assigned-partition';

/** What kafkajs' `commitOffsetsIfNecessary` takes; it passes the metadata on. */
export interface OffsetsToCommit {
  readonly topics: {
    topic: string;
    partitions: { partition: number; offset: string; metadata: string }[];
  }[];
}

/** What to commit for some partitions of any topics. */
export function toCommit<P extends Pick<AssignedPartition, 'topic' | 'partition'>>(
  sources: readonly P[],
  metadataOf: (source: P) => CommitMetadata,
): OffsetsToCommit {
  const byTopic = Map.groupBy(sources, ({ topic }) => topic);
  const topics = [...byTopic].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map((source) => {
      const commit = metadataOf(source);
      return { partition: source.partition, offset: String(commit.base), metadata: encodeMetadata(commit) };
    }),
  }));
  return { topics };
}

/** A group that rebalances refuses commits for a moment: until the next try a crash would repeat more and more. */
const AFTER_FAILURE_MS = 50;

interface Deps {
  readonly clock: Clock;
  /** Sends one commit in the current generation, without retries; null while the consumer is in no group. */
  readonly currentCommit: () => ((offsets: OffsetsToCommit) => Promise<void>) | null;
  readonly intervalMs: number;
  /** So many settled commands are committed at once, however soon after the last commit. */
  readonly atOnce: number;
  readonly onCommitted: (durationMs: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Commits what the ledgers of one consumer's partitions permit: one commit after the other while there is something to
 * commit, at least `intervalMs` apart. A commit that fails is made anew from the ledgers as they are by then.
 */
export class Committer {
  private readonly dirty = new Set<AssignedPartition>();
  private lastStartMs = -Infinity;
  /** Takes back the timer of the next commit; null while there is none. */
  private cancel: (() => void) | null = null;
  private running: Promise<void> | null = null;
  private hasFailed = false;
  /** Commands settled since the last commit began, roughly. */
  private gathered = 0;

  constructor(private readonly deps: Deps) {}

  /** The partition's ledger may have moved. */
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

  /** Commits what there is, at once, and once. */
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
    const commits = touched.flatMap((source) => {
      const commit = source.isOwned ? source.ledger.nextCommit() : null;
      if (commit === null) return [];
      const { ledger, topic, partition } = source;
      return [{ source, ledger, commit, mark: source.commitMark(), topic, partition }];
    });
    if (commits.length === 0) return;
    if (send === null) {
      // What waits for its commit to be sent may wait for nothing else that would bring it here again.
      this.putOff(commits);
      return;
    }
    const offsets = toCommit(commits, ({ source, commit }) => ({ ...commit, owner: source.ownerTag, state: 'active' }));
    this.hasFailed = false;
    try {
      await send(offsets);
    } catch (error) {
      this.putOff(commits);
      this.deps.onFailed(error);
      return;
    }
    const nowMs = this.deps.clock.monotonicMs();
    for (const { source, ledger, commit, mark } of commits) {
      ledger.committed(commit);
      source.committed(nowMs, mark);
    }
    this.deps.onCommitted(nowMs - startedMs);
  }

  private putOff(commits: readonly { readonly source: AssignedPartition }[]): void {
    for (const { source } of commits) this.dirty.add(source);
    this.hasFailed = true;
  }
}
