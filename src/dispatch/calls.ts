import { Node, Yallist } from 'yallist';
import type { Job } from './job';

/**
 * The calls on the wire, the oldest first.
 *
 * A list and no Map, since entries come and go all the time: with every rehash V8 leaves a table behind that holds all
 * that was
 * in it, and the table after it, until the next full collection. Of a few hundred calls that kept thousands in memory.
 */
export class Calls {
  private readonly list = new Yallist<Job>();

  get size(): number {
    return this.list.length;
  }

  has(job: Job): boolean {
    return job.call !== null;
  }

  /** @param nowMs when the call is made, on the monotonic clock */
  begin(job: Job, nowMs: number): void {
    job.calledAtMs = nowMs;
    job.call = new Node(job);
    this.list.pushNode(job.call);
  }

  end(job: Job): void {
    if (job.call !== null) this.list.removeNode(job.call);
    job.call = null;
  }

  /** For how long the oldest has been under way; 0 where there is none. */
  oldestMs(nowMs: number): number {
    const oldest = this.list.head;
    return oldest === undefined ? 0 : nowMs - oldest.value.calledAtMs;
  }
}
