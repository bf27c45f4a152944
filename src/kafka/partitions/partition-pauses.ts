import type { Clock } from '../../dispatch/clock';
import type { AssignedPartition } from './assigned-partition';
import { FetchWait, type Pace } from './fetch-wait';
import type { GroupClient } from '../group/group-client';

/** Longest timer for a due record of a retry topic. If it is due later, the timer is set again. */
const MAX_SLEEP_MS = 60_000;

interface Deps {
  readonly clock: Clock;
  /** The partitions that the consumer has, lost ones included. */
  readonly sources: () => Iterable<AssignedPartition>;
  readonly wantsPause: (partition: AssignedPartition, isPaused: boolean) => boolean;
  /** Null while the consumer is in no group: it can then neither pause nor resume. */
  readonly client: () => Pick<GroupClient, 'pause' | 'resume'> | null;
}

/** Pauses and resumes the partitions of a consumer, and resumes one when its next record (of a retry topic) is due. */
export class PartitionPauses {
  private readonly paused = new Set<AssignedPartition>();
  private readonly wait = new FetchWait();
  private cancelDue: (() => void) | null = null;

  constructor(private readonly deps: Deps) {}

  /** For kafkajs' `maxWaitTimeInMs`. */
  get fetchWaitMs(): number {
    return this.wait.asMilliseconds();
  }

  has(partition: AssignedPartition): boolean {
    return this.paused.has(partition);
  }

  /** Must be called when a partition may want to be paused or resumed. */
  align(): void {
    const client = this.deps.client();
    if (client === null) return;
    const toPause: AssignedPartition[] = [];
    const toResume: AssignedPartition[] = [];
    for (const partition of this.deps.sources()) {
      const isPaused = this.paused.has(partition);
      if (partition.isLost || this.deps.wantsPause(partition, isPaused) === isPaused) continue;
      (isPaused ? toResume : toPause).push(partition);
    }
    for (const partition of toPause) this.paused.add(partition);
    for (const partition of toResume) this.paused.delete(partition);
    if (toPause.length > 0) client.pause(toTopics(toPause));
    if (toResume.length > 0) client.resume(toTopics(toResume));
    this.followDueTimes();
  }

  /** The partition is no longer the consumer's. */
  drop(partition: AssignedPartition): void {
    if (this.paused.delete(partition)) this.deps.client()?.resume(toTopics([partition]));
  }

  /** The consumer is gone, and its pauses with it. */
  clear(): void {
    this.paused.clear();
    this.cancelTimer();
  }

  /** Sets a timer for the first due time, so that partitions that wait for one need no short fetches. */
  private followDueTimes(): void {
    this.cancelTimer();
    const { clock } = this.deps;
    const nowMs = clock.wallMs();
    let pace: Pace = 'idle';
    let sleepMs = Infinity;
    for (const partition of this.paused) {
      const untilDueMs = partition.untilDueMs(nowMs);
      if (untilDueMs === 0) pace = 'paused';
      else sleepMs = Math.min(sleepMs, untilDueMs);
    }
    for (const partition of this.deps.sources()) if (partition.isOpening) pace = 'opening';
    this.wait.pace = pace;
    if (sleepMs < Infinity) this.cancelDue = clock.after(Math.min(sleepMs, MAX_SLEEP_MS), () => this.align());
  }

  private cancelTimer(): void {
    this.cancelDue?.();
    this.cancelDue = null;
  }
}

function toTopics(partitions: readonly AssignedPartition[]): { topic: string; partitions: number[] }[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
}
