import type { Log } from '../../observability/log';
import { type Clock, sleep } from '../../dispatch/clock';
import type { AssignedPartition } from './assigned-partition';
import { type Committed, partitionKey, readCommitted, Unanswered } from './committed-offsets';
import { type OffsetsToCommit, toCommit } from './committer';
import { describe } from '../client/errors';
import type { GroupReader } from './group-reader';
import { claimPatienceMs, mayClaim, releaseWindowMs, type Title, titleOf } from './handover-rules';
import { memberTag } from './member-tag';

/** Between two looks at a partition that another member has not released yet. */
const POLL_MS = 50;
/** Between two looks at whether the calls of a lost partition have ended. */
const QUIET_POLL_MS = 10;
const AFTER_FAULT_MS = 500;

interface Deps {
  readonly clock: Clock;
  readonly reader: GroupReader;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Deadline of one call: nothing of a former owner is on the wire for longer. */
  readonly callTimeoutMs: number;
  /** Commits in the current generation; rejects where the member is in none, or the signal aborts before it is sent. */
  readonly commit: (offsets: OffsetsToCommit, signal: AbortSignal) => Promise<void>;
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
   * Releases a lost partition once nothing of it is on the wire; gives up where that is too late or no longer right. What was
   * claimed under an earlier id is not released: whoever has it now need not have waited, and may have claimed it by then.
   */
  async release(memberId: string, source: AssignedPartition, signal: AbortSignal): Promise<void> {
    const { clock, callTimeoutMs } = this.deps;
    const tag = memberTag(memberId);
    if (source.ownerTag !== tag) return;
    const giveUpMs = clock.monotonicMs() + releaseWindowMs(callTimeoutMs);
    while (source.isLost && !signal.aborted && clock.monotonicMs() < giveUpMs) {
      if (source.isQuiet && (await this.tryRelease(tag, source, signal))) return;
      await sleep(clock, QUIET_POLL_MS, signal);
    }
  }

  private async claimFree(
    tag: string,
    opening: () => readonly AssignedPartition[],
    isPatienceOver: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const before = await this.read(opening());
    const titles = new Map(opening().map((source) => [source, titleIn(before, source, tag)]));
    const isAnyHeld = [...titles.values()].includes('held');
    const members = isAnyHeld ? await this.liveTags(tag) : new Set<string>();
    const free = opening().filter((source) => {
      const owner = before.get(source.key)?.ownership?.owner ?? '';
      return mayClaim(titles.get(source) ?? 'unknown', members.has(owner), isPatienceOver);
    });
    if (free.length > 0) await this.commitClaims(tag, free, before, signal);
    // A release that was under way may have come after the claim: only what reads back as ours is.
    const after = free.length > 0 ? await this.read(free) : before;
    for (const source of signal.aborted ? [] : opening()) {
      const committed = after.get(source.key);
      if (committed !== undefined && titleIn(after, source, tag) === 'own') source.open(committed, tag);
    }
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

  private async tryRelease(tag: string, source: AssignedPartition, signal: AbortSignal): Promise<boolean> {
    try {
      const committed = await this.read([source]);
      const state = source.ledger.state();
      if (state === null || titleIn(committed, source, tag) !== 'own') return true;
      if (!source.isLost || !source.isQuiet) return false;
      await this.deps.commit(
        toCommit([source], () => ({ ...state, owner: tag, state: 'released' })),
        signal,
      );
      return true;
    } catch (error) {
      this.log('debug', 'a partition cannot be released, to be repeated', error);
      return false;
    }
  }

  /** The commits of these partitions and perhaps of others. What is not answered is not known: nothing may follow from it. */
  private async read(wanted: readonly AssignedPartition[]): Promise<Map<string, Committed>> {
    const { reader, groupId, topics } = this.deps;
    const committed = await readCommitted(reader, groupId, topics);
    const missing = wanted.find(({ key }) => !committed.has(key));
    if (missing !== undefined) throw new Unanswered(`the commits of ${missing.key} were not answered`);
    return committed;
  }

  /** @param own the asking member's tag: an answer without it is about another group, or none */
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
