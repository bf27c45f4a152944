import type { SendPermit } from '../messages-api/call-result';
import type { Clock } from './clock';
import type { Job } from './job';

/**
 * Whether a command may still be sent when its bytes are about to leave, which may be long after its call was begun.
 */
export class JobPermit implements SendPermit {
  constructor(
    private readonly job: Job,
    private readonly clock: Pick<Clock, 'wallMs'>,
  ) {}

  get maySend(): boolean {
    return this.job.source.maySend && !this.job.isExpired(this.clock.wallMs());
  }
}
