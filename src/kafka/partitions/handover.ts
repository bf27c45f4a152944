import type { Log } from '../../observability/log';
import { type Clock, sleep } from '../../dispatch/clock';
import type { AssignedPartition } from './assigned-partition';
import { type Committed, partitionKey, readCommitted, Unanswered } from './committed-offsets';
import { type OffsetsToCommit, toCommit } from './committer';
import { describe } from '../client/errors';
import type { GroupReader } from './group-reader';
import { claimPatienceMs, mayClaim, releaseWindowMs, type Title, titleOf } from './handover-rules';
import { memberTag } from './member-tag';

/** How often to look whether another member has released a partition. */
const POLL_MS = 50;
/** How often to look whether the calls of a lost partition have ended. */
const QUIET_POLL_MS = 10;
const AFTER_FAULT_MS = 500;

interface Deps {
  readonly clock: Clock;
  readonly reader: GroupReader;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Deadline of one call to the API. A former owner's calls are on the wire for no longer. */
  readonly callTimeoutMs: number;
  /** Commits in the current generation. Rejects if there is none, or if the signal aborts before the commit is sent. */
  readonly commit: (offsets: OffsetsToCommit, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/**
 * Hands partitions over so that no command is on the wire twice. In a rebalance kafkajs does not wait until a former
 * owner has stopped. So members tell each other through the metadata of the committed offset, which each of them may
 * write:
 *
 * - A new owner claims a partition (`active`, with its own tag) before it sends anything. It may claim once the former
 *   owner has released it, is no member any more, or has had as long as a call may take plus a margin.
 * - A former owner releases a partition once its calls have settled. It does not if another member has claimed it by
 *   then, and it stops trying before the new owner stops waiting.
 */
export class Handover {
  constructor(private readonly deps: Deps) {}

  /**
   * Claims partitions, and opens each once the claim is committed.
   *
   * @param opening the partitions that are still to be opened. Called before each step, since the group may rebalance
   * @param signal ends the claims
   */
  async claim(memberId: string, opening: () => readonly AssignedPartition[], signal: AbortSignal): Promise<void> {
    const { clock, callTimeoutMs } = this.deps;
    const tag = memberTag(memberId);
    const giveUpMs = clock.monotonicMs() + claimPatienceMs(callTimeoutMs);
    while (!signal.aborted && opening().length > 0) {
      let pauseMs = POLL_MS;
      try {
        await this.claimFree(tag, opening, clock.monotonicMs() >= giveUpMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        const isUnanswered = error instanceof Unanswered;
        this.log(isUnanswered ? 'debug' : 'warn', 'partitions cannot be claimed, to be repeated', error);
        if (!isUnanswered) pauseMs = AFTER_FAULT_MS;
      }
      if (opening().length > 0) await sleep(clock, pauseMs, signal);
    }
  }

  /**
   * Releases a lost partition once none of its calls is on the wire. Gives up after the release window, on the signal,
   * and if the partition comes back or another member claims it. A partition that was claimed under an earlier member
   * id is not released: its new owner did not have to wait, and may have claimed it already.
   */
  async release(memberId: string, lost: AssignedPartition, signal: AbortSignal): Promise<void> {
    const { clock, callTimeoutMs } = this.deps;
    const tag = memberTag(memberId);
    if (lost.ownerTag !== tag) return;
    const giveUpMs = clock.monotonicMs() + releaseWindowMs(callTimeoutMs);
    while (lost.isLost && !signal.aborted && clock.monotonicMs() < giveUpMs) {
      if (lost.isQuiet && (await this.tryRelease(tag, lost, signal))) return;
      await sleep(clock, QUIET_POLL_MS, signal);
    }
  }

  private async claimFree(
    tag: string,
    opening: () => readonly AssignedPartition[],
    isPatienceOver: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { before, gone } = await this.readOwners(tag, opening);
    const free = opening().filter((assigned) =>
      mayClaim(titleIn(before, assigned, tag), gone.has(ownerIn(before, assigned)), isPatienceOver),
    );
    if (free.length > 0) await this.commitClaims(tag, free, before, signal);
    // The former owner's release may have been committed after the claim. So a partition is ours only if it reads as
    // ours.
    const after = free.length > 0 ? await this.read(free) : before;
    for (const assigned of signal.aborted ? [] : opening()) {
      const committed = after.get(assigned.key);
      if (committed !== undefined && titleIn(after, assigned, tag) === 'own') assigned.open(committed, tag);
    }
  }

  /**
   * The commits of the partitions to open, and the owners among them that had left the group before these were read.
   */
  private async readOwners(
    tag: string,
    opening: () => readonly AssignedPartition[],
  ): Promise<{ readonly before: Map<string, Committed>; readonly gone: ReadonlySet<string> }> {
    const before = await this.read(opening());
    const claimed = opening().filter((assigned) => titleIn(before, assigned, tag) === 'claimed');
    if (claimed.length === 0) return { before, gone: new Set() };
    const alive = await this.liveTags(tag);
    const gone = new Set(claimed.map((assigned) => ownerIn(before, assigned)).filter((owner) => !alive.has(owner)));
    // An owner may have committed once more after the first read, and left before the second one. A claim with the
    // commits of the first read would forget that. Nobody who is gone commits any more, so now they are final.
    return { before: gone.size > 0 ? await this.read(opening()) : before, gone };
  }

  private async commitClaims(
    tag: string,
    claimed: readonly AssignedPartition[],
    before: ReadonlyMap<string, Committed>,
    signal: AbortSignal,
  ): Promise<void> {
    const unknown = claimed.filter(({ key }) => before.get(key)?.offset == null).map(({ topic }) => topic);
    const earliest = await this.earliestOffsets(new Set(unknown));
    const offsets = toCommit(claimed, ({ key }) => {
      const { offset = null, done = [] } = before.get(key) ?? {};
      const base = offset ?? earliest.get(key);
      if (base === undefined) throw new Unanswered(`the earliest offset of ${key} was not answered`);
      return { base, done, owner: tag, state: 'active' };
    });
    for (const { key, topic, partition } of claimed) {
      const fault = before.get(key)?.fault ?? null;
      if (fault !== null) this.deps.log('warn', `commit metadata ${fault} and is ignored`, { topic, partition });
    }
    await this.deps.commit(offsets, signal);
  }

  private async earliestOffsets(topics: ReadonlySet<string>): Promise<Map<string, number>> {
    const offsets = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, low } of await this.deps.reader.fetchTopicOffsets(topic)) {
        offsets.set(partitionKey(topic, partition), Number(low));
      }
    }
    return offsets;
  }

  /** Returns false if it should be tried again. */
  private async tryRelease(tag: string, lost: AssignedPartition, signal: AbortSignal): Promise<boolean> {
    try {
      const committed = await this.read([lost]);
      const state = lost.ledger.state();
      if (state === null || titleIn(committed, lost, tag) !== 'own') return true;
      if (!lost.isLost || !lost.isQuiet) return false;
      await this.deps.commit(
        toCommit([lost], () => ({ ...state, owner: tag, state: 'released' })),
        signal,
      );
      return true;
    } catch (error) {
      this.log('debug', 'a partition cannot be released, to be repeated', error);
      return false;
    }
  }

  /**
   * The commits of all these partitions, and perhaps of others.
   *
   * @throws Unanswered if one is missing in the answer: it must not read as "nothing was ever committed"
   */
  private async read(wanted: readonly AssignedPartition[]): Promise<Map<string, Committed>> {
    const { reader, groupId, topics } = this.deps;
    const committed = await readCommitted(reader, groupId, topics);
    const missing = wanted.find(({ key }) => !committed.has(key));
    if (missing !== undefined) throw new Unanswered(`the commits of ${missing.key} were not answered`);
    return committed;
  }

  /** @param own the asking member's tag. An answer without it is not about this group */
  private async liveTags(own: string): Promise<Set<string>> {
    const { groups } = await this.deps.reader.describeGroups([this.deps.groupId]);
    const tags = new Set(groups.flatMap(({ members }) => members.map(({ memberId }) => memberTag(memberId))));
    if (!tags.has(own)) throw new Unanswered('the members of the group were not answered');
    return tags;
  }

  private log(level: 'warn' | 'debug', message: string, error: unknown): void {
    const { groupId, log } = this.deps;
    log(level, message, { groupId, error: describe(error) });
  }
}

function titleIn(commits: ReadonlyMap<string, Committed>, { key, ownerTag }: AssignedPartition, tag: string): Title {
  return titleOf(commits.get(key)?.ownership ?? null, tag, ownerTag);
}

function ownerIn(commits: ReadonlyMap<string, Committed>, { key }: AssignedPartition): string {
  return commits.get(key)?.ownership?.owner ?? '';
}
