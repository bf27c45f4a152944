import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { encodeMetadata } from '../dispatch/commit-metadata';
import type { AssignedPartition } from './assigned-partition';
import { type Committed, readCommitted } from './committed-offsets';
import type { OffsetsToCommit } from './committer';
import type { KafkaLog } from './kafka-client';
import { memberTag } from './member-tag';

/** Between two looks at a partition that another member has not released yet. */
const POLL_MS = 50;
const AFTER_FAULT_MS = 500;
/** How much longer than a call may take the gaining member waits; the losing one stops releasing half of it earlier. */
const MARGIN_MS = 5_000;

interface Deps {
  readonly admin: Admin;
  readonly groupId: string;
  readonly topic: string;
  /** Deadline of one call: nothing of a former owner is on the wire for longer. */
  readonly callTimeoutMs: number;
  /** Commits in the current generation; rejects where the member is in none. */
  readonly commit: (offsets: OffsetsToCommit) => Promise<void>;
  readonly log: KafkaLog;
}

/**
 * Hands partitions over so that no command is on the wire twice. kafkajs leaves a group's old assignment without a word, so
 * members tell each other through the metadata of the committed offset, which any of them may write:
 *
 * - who gets a partition claims it (`active`, with its own tag) before it sends anything, once the former owner has released
 *   it, or is no member any more, or has had the time that a call may take plus a margin;
 * - who lost one releases it once its calls have settled, unless somebody has claimed it by then, and never later than the
 *   other waits.
 */
export class Handover {
  constructor(private readonly deps: Deps) {}

  /**
   * Claims partitions and opens each as soon as it is this member's.
   *
   * @param opening those still to be opened; asked anew before every step, since the group may rebalance meanwhile
   * @param signal aborts where they are to be opened no more
   */
  async claim(memberId: string, opening: () => readonly AssignedPartition[], signal: AbortSignal): Promise<void> {
    const tag = memberTag(memberId);
    const giveUpMs = performance.now() + this.deps.callTimeoutMs + MARGIN_MS;
    while (!signal.aborted && opening().length > 0) {
      let pauseMs = POLL_MS;
      try {
        await this.claimFree(tag, opening, performance.now() >= giveUpMs, signal);
      } catch (error) {
        this.log('warn', 'partitions cannot be claimed, to be repeated', error);
        pauseMs = AFTER_FAULT_MS;
      }
      if (opening().length > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Releases a lost partition once nothing of it is on the wire; gives up where that is too late or no longer right. */
  async release(source: AssignedPartition, signal: AbortSignal): Promise<void> {
    const giveUpMs = performance.now() + this.deps.callTimeoutMs + MARGIN_MS / 2;
    while (source.isLost && !signal.aborted && performance.now() < giveUpMs) {
      if (source.isQuiet && (await this.tryRelease(source))) return;
      await sleep(POLL_MS / 5, undefined, { signal }).catch(() => undefined);
    }
  }

  private async claimFree(
    tag: string,
    opening: () => readonly AssignedPartition[],
    isPatienceOver: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const before = await this.read();
    const wanted = opening().filter(({ partition }) => !isHeldBy(before.get(partition), tag));
    const foreign = wanted.filter((source) => isHeld(before.get(source.partition)) && !wasOwn(before, source));
    const members = foreign.length > 0 ? await this.liveTags() : new Set<string>();
    const isFree = (source: AssignedPartition): boolean =>
      isPatienceOver || !foreign.includes(source) || !members.has(before.get(source.partition)?.ownership.owner ?? '');
    const free = wanted.filter(isFree).map(({ partition }) => partition);
    if (free.length > 0) await this.commitClaims(tag, free, before);
    // A release that was under way may have come after the claim: only what reads back as ours is.
    const after = free.length > 0 ? await this.read() : before;
    for (const source of signal.aborted ? [] : opening()) {
      const committed = after.get(source.partition);
      if (committed !== undefined && isHeldBy(committed, tag)) source.open(committed, tag);
    }
  }

  private async commitClaims(
    tag: string,
    partitions: readonly number[],
    before: ReadonlyMap<number, Committed>,
  ): Promise<void> {
    const { admin, topic, commit } = this.deps;
    const earliest = partitions.some((partition) => before.get(partition)?.offset == null)
      ? new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, low }) => [partition, Number(low)]))
      : null;
    const claims = partitions.map((partition) => {
      const { offset = null, done = [] } = before.get(partition) ?? {};
      const base = offset ?? earliest?.get(partition) ?? 0;
      const metadata = encodeMetadata({
        base,
        done,
        owner: tag,
        state: 'active',
      });
      return { partition, offset: String(base), metadata };
    });
    await commit({ topics: [{ topic, partitions: claims }] });
  }

  private async tryRelease(source: AssignedPartition): Promise<boolean> {
    const { topic, commit } = this.deps;
    const tag = source.ownerTag;
    try {
      const committed = (await this.read()).get(source.partition);
      const state = source.ledger.state();
      if (state === null || tag === null || !isHeldBy(committed, tag)) return true;
      if (!source.isLost || !source.isQuiet) return false;
      const metadata = encodeMetadata({
        ...state,
        owner: tag,
        state: 'released',
      });
      const { partition } = source;
      await commit({
        topics: [
          {
            topic,
            partitions: [{ partition, offset: String(state.base), metadata }],
          },
        ],
      });
      return true;
    } catch (error) {
      this.log('debug', 'a partition cannot be released, to be repeated', error);
      return false;
    }
  }

  private read(): Promise<Map<number, Committed>> {
    const { admin, groupId, topic, log } = this.deps;
    return readCommitted(admin, groupId, topic, (partition, reason) =>
      log('warn', `commit metadata ${reason} and is ignored`, {
        topic,
        partition,
      }),
    );
  }

  private async liveTags(): Promise<Set<string>> {
    const { groups } = await this.deps.admin.describeGroups([this.deps.groupId]);
    return new Set(groups.flatMap(({ members }) => members.map(({ memberId }) => memberTag(memberId))));
  }

  private log(level: 'warn' | 'debug', message: string, error: unknown): void {
    const { topic, log } = this.deps;
    log(level, message, {
      topic,
      error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown',
    });
  }
}

function isHeld(committed: Committed | undefined): boolean {
  return committed?.ownership.state === 'active' && committed.ownership.owner !== null;
}

function isHeldBy(committed: Committed | undefined, tag: string): boolean {
  return isHeld(committed) && committed?.ownership.owner === tag;
}

/** Whether nobody has had the partition since this process, be it under an earlier member id. */
function wasOwn(before: ReadonlyMap<number, Committed>, { partition, ownerTag }: AssignedPartition): boolean {
  return ownerTag !== null && before.get(partition)?.ownership.owner === ownerTag;
}
