import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import type { AssignedPartition } from './assigned-partition';
import { type Committed, partitionKey, readCommitted, Unanswered } from './committed-offsets';
import { type OffsetsToCommit, toCommit } from './committer';
import { describe } from '../client/errors';
import type { Log } from '../../observability/log';
import { memberTag } from './member-tag';

/** Between two looks at a partition that another member has not released yet. */
const POLL_MS = 50;
const AFTER_FAULT_MS = 500;
/** How much longer than a call may take the gaining member waits; the losing one stops releasing half of it earlier. */
const MARGIN_MS = 5_000;

interface Deps {
  readonly admin: Admin;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Deadline of one call: nothing of a former owner is on the wire for longer. */
  readonly callTimeoutMs: number;
  /** Commits in the current generation; rejects where the member is in none. */
  readonly commit: (offsets: OffsetsToCommit) => Promise<void>;
  readonly log: Log;
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
        const isUnanswered = error instanceof Unanswered;
        this.log(isUnanswered ? 'debug' : 'warn', 'partitions cannot be claimed, to be repeated', error);
        if (!isUnanswered) pauseMs = AFTER_FAULT_MS;
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
    const before = await this.read(opening());
    const wanted = opening().filter(({ key }) => !isHeldBy(before.get(key), tag));
    const foreign = wanted.filter((source) => isHeld(before.get(source.key)) && !wasOwn(before, source));
    const members = foreign.length > 0 ? await this.liveTags(tag) : new Set<string>();
    const isFree = (source: AssignedPartition): boolean =>
      isPatienceOver || !foreign.includes(source) || !members.has(before.get(source.key)?.ownership.owner ?? '');
    const free = wanted.filter(isFree);
    if (free.length > 0) await this.commitClaims(tag, free, before);
    // A release that was under way may have come after the claim: only what reads back as ours is.
    const after = free.length > 0 ? await this.read(free) : before;
    for (const source of signal.aborted ? [] : opening()) {
      const committed = after.get(source.key);
      if (committed !== undefined && isHeldBy(committed, tag)) source.open(committed, tag);
    }
  }

  private async commitClaims(
    tag: string,
    claimed: readonly AssignedPartition[],
    before: ReadonlyMap<string, Committed>,
  ): Promise<void> {
    const unknown = claimed.filter(({ key }) => before.get(key)?.offset == null).map(({ topic }) => topic);
    const earliest = await this.earliestOffsets(new Set(unknown));
    await this.deps.commit(
      toCommit(claimed, ({ key }) => {
        const { offset = null, done = [] } = before.get(key) ?? {};
        const base = offset ?? earliest.get(key);
        if (base === undefined) throw new Unanswered(`the earliest offset of ${key} was not answered`);
        return { base, done, owner: tag, state: 'active' };
      }),
    );
  }

  private async earliestOffsets(topics: ReadonlySet<string>): Promise<Map<string, number>> {
    const offsets = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, low } of await this.deps.admin.fetchTopicOffsets(topic)) {
        offsets.set(partitionKey(topic, partition), Number(low));
      }
    }
    return offsets;
  }

  private async tryRelease(source: AssignedPartition): Promise<boolean> {
    const tag = source.ownerTag;
    try {
      const committed = (await this.read([source])).get(source.key);
      const state = source.ledger.state();
      if (state === null || tag === null || !isHeldBy(committed, tag)) return true;
      if (!source.isLost || !source.isQuiet) return false;
      await this.deps.commit(toCommit([source], () => ({ ...state, owner: tag, state: 'released' })));
      return true;
    } catch (error) {
      this.log('debug', 'a partition cannot be released, to be repeated', error);
      return false;
    }
  }

  /** The commits of these partitions and perhaps of others. What is not answered is not known: nothing may follow from it. */
  private async read(wanted: readonly AssignedPartition[]): Promise<Map<string, Committed>> {
    const { admin, groupId, topics, log } = this.deps;
    const committed = await readCommitted(admin, groupId, topics, (topic, partition, reason) =>
      log('warn', `commit metadata ${reason} and is ignored`, { topic, partition }),
    );
    const missing = wanted.find(({ key }) => !committed.has(key));
    if (missing !== undefined) throw new Unanswered(`the commits of ${missing.key} were not answered`);
    return committed;
  }

  /** @param own the asking member's tag: an answer without it is about another group, or none */
  private async liveTags(own: string): Promise<Set<string>> {
    const { groups } = await this.deps.admin.describeGroups([this.deps.groupId]);
    const tags = new Set(groups.flatMap(({ members }) => members.map(({ memberId }) => memberTag(memberId))));
    if (!tags.has(own)) throw new Unanswered('the members of the group were not answered');
    return tags;
  }

  private log(level: 'warn' | 'debug', message: string, error: unknown): void {
    const { groupId, log } = this.deps;
    log(level, message, { groupId, error: describe(error) });
  }
}

function isHeld(committed: Committed | undefined): boolean {
  return committed?.ownership.state === 'active' && committed.ownership.owner !== null;
}

function isHeldBy(committed: Committed | undefined, tag: string): boolean {
  return isHeld(committed) && committed?.ownership.owner === tag;
}

/** Whether nobody has had the partition since this process, be it under an earlier member id. */
function wasOwn(before: ReadonlyMap<string, Committed>, { key, ownerTag }: AssignedPartition): boolean {
  return ownerTag !== null && before.get(key)?.ownership.owner === ownerTag;
}
