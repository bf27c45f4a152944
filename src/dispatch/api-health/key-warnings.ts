import type { Call } from './api-gate';
import type { Credential } from './credential';
import type { Job } from '../job';
import type { DispatchListener } from '../ports';

const APART_MS = 60_000;

/** Tells the listener of refused keys, of each at most once a minute. */
export class KeyWarnings {
  private readonly toldAtMs = new WeakMap<Credential<Job>, number>();

  constructor(private readonly listener: Pick<DispatchListener, 'onKeyRefused'>) {}

  refused(job: Job, { credential, endedMs }: Call): void {
    if (endedMs - (this.toldAtMs.get(credential) ?? -Infinity) < APART_MS) return;
    this.toldAtMs.set(credential, endedMs);
    this.listener.onKeyRefused(job.httpStatus, job.workspaceId);
  }
}
