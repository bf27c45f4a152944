import type { Settled } from '../contract/outcome';
import type { ApiGate } from './api-gate';
import type { Claims } from './claims';
import type { Clock } from './clock';
import type { Job } from './job';
import type { Ending, Outcomes } from './ports';
import type { Scheduler } from './scheduler';

interface Deps {
  readonly scheduler: Scheduler<Job>;
  readonly gate: ApiGate;
  readonly claims: Claims;
  readonly outcomes: Outcomes;
  readonly clock: Clock;
  /** An outcome is acknowledged. */
  readonly onWritten: () => void;
}

/** A command that has come to its end, of which nothing is written yet. */
interface Due {
  readonly job: Job;
  readonly settled: Settled;
  /** When an earlier record of the command was settled, where that brought it to its end. */
  readonly replayOf: number | null;
}

/**
 * Has the outcome of each command written down, first in the store of settled commands, and releases its offset then. The
 * key's next command may go out meanwhile: answers come in groups, and the calls that take their places leave before anything
 * is written, since every group would else hold back the next one for longer.
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
    if (this.due.push({ job, settled, replayOf }) === 1) this.deps.clock.soon(() => this.catchUp());
  }

  /** Begins to write what is due. Returns whether anything was. */
  catchUp(): boolean {
    const { due } = this;
    this.due = [];
    for (const each of due) this.write(each);
    return due.length > 0;
  }

  /** The command goes on to the retry topic of `round`. */
  async park(job: Job, settled: Settled, round: number): Promise<void> {
    const { claims, outcomes } = this.deps;
    this.begin(job);
    await outcomes.park(job, settled, round);
    claims.release(job);
    this.finish(job);
  }

  private write({ job, settled, replayOf }: Due): void {
    const { claims, outcomes } = this.deps;
    const settling = replayOf === null ? claims.settle(job, settled) : replayOf;
    const write = (completedAtMs: number): void => {
      const ending: Ending = { settled, completedAtMs, isReplay: replayOf !== null };
      outcomes.settle(job, ending, () => this.finish(job));
    };
    if (settling instanceof Promise) void settling.then(write);
    else write(settling);
  }

  private begin(job: Job): void {
    const { gate, scheduler } = this.deps;
    this.writing++;
    gate.forget(job);
    scheduler.complete(job.source.queues, job);
  }

  private finish(job: Job): void {
    job.source.settled(job.record);
    this.writing--;
    this.deps.onWritten();
  }
}
