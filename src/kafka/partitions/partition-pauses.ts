import type { Clock } from '../../dispatch/clock';
import type { AssignedPartition } from './assigned-partition';
import { FetchWait, type Pace } from './fetch-wait';
import type { GroupClient } from '../group/group-client';

/** Longest sleep until a record of a retry topic is due; a due time further away is looked at again. */
const MAX_SLEEP_MS = 60_000;

interface Deps {
  readonly clock: Clock;
  /** The partitions that the consumer has, lost ones included. */
  readonly sources: () => Iterable<AssignedPartition>;
  readonly wantsPause: (source: AssignedPartition, isPaused: boolean) => boolean;
  /** null while it is in no group, and so can neither pause nor resume. */
  readonly client: () => Pick<GroupClient, 'pause' | 'resume'> | null;
}

/** Keeps what kafkajs reads in line with what is wanted, and wakes it when a record of a retry topic is due. */
export class PartitionPauses {
  private readonly paused = new Set<AssignedPartition>();
  private readonly wait = new FetchWait();
  private cancelDue: (() => void) | null = null;

  constructor(private readonly deps: Deps) {}

  /** For kafkajs' `maxWaitTimeInMs`. */
  get fetchWaitMs(): number {
    return this.wait.asMilliseconds();
  }

  has(source: AssignedPartition): boolean {
    return this.paused.has(source);
  }

  /** To be called whenever something may want to be paused or resumed. */
  align(): void {
    const client = this.deps.client();
    if (client === null) return;
    const toPause: AssignedPartition[] = [];
    const toResume: AssignedPartition[] = [];
    for (const source of this.deps.sources()) {
      const isPaused = this.paused.has(source);
      if (source.isLost || this.deps.wantsPause(source, isPaused) === isPaused) continue;
      (isPaused ? toResume : toPause).push(source);
    }
    for (const source of toPause) this.paused.add(source);
    for (const source of toResume) this.paused.delete(source);
    if (toPause.length > 0) client.pause(toTopics(toPause));
    if (toResume.length > 0) client.resume(toTopics(toResume));
    this.followDueTimes();
  }

  /** The partition is no longer the consumer's. */
  drop(source: AssignedPartition): void {
    if (this.paused.delete(source)) this.deps.client()?.resume(toTopics([source]));
  }

  /** The consumer is gone, and with it all that was paused. */
  clear(): void {
    this.paused.clear();
    this.cancelTimer();
  }

  /** What is not due yet needs no frequent look: a timer resumes it. */
  private followDueTimes(): void {
    this.cancelTimer();
    const { clock } = this.deps;
    const nowMs = clock.wallMs();
    let pace: Pace = 'idle';
    let sleepMs = Infinity;
    for (const source of this.paused) {
      const untilDueMs = source.untilDueMs(nowMs);
      if (untilDueMs === 0) pace = 'paused';
      else sleepMs = Math.min(sleepMs, untilDueMs);
    }
    for (const source of this.deps.sources()) if (source.isOpening) pace = 'opening';
    this.wait.pace = pace;
    if (sleepMs < Infinity) this.cancelDue = clock.after(Math.min(sleepMs, MAX_SLEEP_MS), () => this.align());
  }

  private cancelTimer(): void {
    this.cancelDue?.();
    this.cancelDue = null;
  }
}

function toTopics(sources: readonly AssignedPartition[]): { topic: string; partitions: number[] }[] {
  return [...Map.groupBy(sources, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    partitions: ofTopic.map(({ partition }) => partition),
  }));
}
