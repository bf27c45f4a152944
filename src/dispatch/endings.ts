import type { Settled } from '../contract/outcome';
import type { ApiGate } from './api-health/api-gate';
import type { Claims } from './claims';
import type { Clock } from './clock';
import type { Job } from './job';
import type { Ending, Outcomes } from './ports';
import type { Scheduler } from './schedule/scheduler';
import type { Unrecorded } from './schedule/unrecorded';

interface Deps {
  readonly scheduler: Scheduler<Job>;
  readonly gate: ApiGate;
  readonly claims: Claims;
  readonly unrecorded: Unrecorded;
  readonly outcomes: Outcomes;
  readonly clock: Clock;
  /** An outcome is acknowledged. */
  readonly onWritten: () => void;
}

/** A command that has come to its end, of which nothing is published yet. */
interface Due {
  readonly job: Job;
  readonly settled: Settled;
  readonly isReplay: boolean;
  /**
   * When it was settled, or an earlier record of the command that brought it to its end; a promise while the store is
   * told.
   */
  readonly settling: number | Promise<number>;
}

/**
 * Has the outcome of each command written down and releases its offset then. The store of settled commands is told at
 * once:
 * what it does not know at a crash is in doubt. All else waits: answers come in groups, and the calls that take their
 * places
 * leave before anything is published, since every group would else hold back the next one for longer.
 */
export class Endings {
  private writing = 0;
  private due: Due[] = [];

  constructor(private readonly deps: Deps) {}

  /** Outcomes that are not acknowledged yet. */
  get size(): number {
    return this.writing;
  }

  /** @param replayOf when an earlier record of the command was settled, where that brought it to its end */
  end(job: Job, settled: Settled, replayOf: number | null = null): void {
    this.begin(job);
    const settling = replayOf ?? this.deps.claims.settle(job, settled);
    const due = { job, settled, isReplay: replayOf !== null, settling };
    if (this.due.push(due) === 1) this.deps.clock.soon(() => this.publishDue());
  }

  /** The command goes on to the retry topic of `round`. */
  async park(job: Job, settled: Settled, round: number): Promise<void> {
    const { claims, outcomes } = this.deps;
    this.begin(job);
    await outcomes.park(job, settled, round);
    claims.release(job);
    this.finish(job);
  }

  private publishDue(): void {
    const { due } = this;
    this.due = [];
    for (const { job, settled, isReplay, settling } of due) {
      const publish = (completedAtMs: number): void => {
        const ending: Ending = { settled, completedAtMs, isReplay };
        this.deps.outcomes.settle(job, ending, () => this.finish(job));
      };
      if (settling instanceof Promise) void settling.then(publish);
      else publish(settling);
    }
  }

  private begin(job: Job): void {
    const { gate, scheduler, unrecorded } = this.deps;
    this.writing++;
    unrecorded.of(job.channel, job.lane).add(1);
    gate.forget(job);
    scheduler.complete(job.source.queues, job);
  }

  private finish(job: Job): void {
    job.source.settled(job.record, this.deps.unrecorded.of(job.channel, job.lane));
    this.writing--;
    this.deps.onWritten();
  }
}
