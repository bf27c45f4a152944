import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { SERVICE_STATUS, type ServiceStatus } from './service-status';

/** If the dispatch loop is overdue for longer, it is stuck. */
const MAX_DISPATCH_OVERDUE_MS = 30_000;
/** A consumer may be out of its group for this long: rebalances and restarts of brokers do that. */
const MAX_OUT_OF_GROUP_MS = 30_000;

/** The parts of the probes. Each reads the status at the moment it is asked. */
@Injectable()
export class Indicators {
  constructor(
    @Inject(SERVICE_STATUS) private readonly status: ServiceStatus,
    @Inject(HealthIndicatorService) private readonly indicator: HealthIndicatorService,
  ) {}

  dispatch(): HealthIndicatorResult {
    const indicator = this.indicator.check('dispatch');
    const overdueMs = this.status.dispatchOverdueMs();
    return overdueMs > MAX_DISPATCH_OVERDUE_MS ? indicator.down({ overdueMs }) : indicator.up();
  }

  consumersAlive(): HealthIndicatorResult {
    const indicator = this.indicator.check('consumers');
    const dead = this.namesOf((consumer) => consumer.isDead);
    return dead.length > 0 ? indicator.down({ dead }) : indicator.up();
  }

  consumersJoined(): HealthIndicatorResult {
    const indicator = this.indicator.check('consumers');
    const notJoined = this.namesOf((consumer) => !consumer.hasJoined);
    const outOfGroup = this.namesOf(({ hasJoined, outForMs }) => hasJoined && outForMs > MAX_OUT_OF_GROUP_MS);
    const isIn = this.status.consumers().length > 0 && notJoined.length + outOfGroup.length === 0;
    return isIn ? indicator.up() : indicator.down({ notJoined, outOfGroup });
  }

  serving(): HealthIndicatorResult {
    const indicator = this.indicator.check('serving');
    return this.status.isDraining() ? indicator.down('draining') : indicator.up();
  }

  circuit(): HealthIndicatorResult {
    const indicator = this.indicator.check('circuit');
    const { isDown: open, channels: all } = this.status.apiHealth();
    const channels = all.flatMap(({ channel, isOpen }) => (isOpen ? [channel] : []));
    const workspaces = all.reduce((sum, { openWorkspaces }) => sum + openWorkspaces, 0);
    return open || channels.length + workspaces > 0
      ? indicator.degraded({ open, channels, workspaces })
      : indicator.up({ open });
  }

  credential(): HealthIndicatorResult {
    const indicator = this.indicator.check('credential');
    const { keysRefused, workspacesRefused } = this.status.apiHealth();
    const refused = keysRefused + workspacesRefused > 0;
    return refused ? indicator.degraded({ refused, keysRefused, workspacesRefused }) : indicator.up({ refused });
  }

  settledStore(): HealthIndicatorResult {
    const indicator = this.indicator.check('settled-store');
    return this.status.isSettledStoreAvailable() ? indicator.up() : indicator.degraded();
  }

  recording(): HealthIndicatorResult {
    const indicator = this.indicator.check('recording');
    const unrecorded = this.status.unrecordedTopics();
    const unwritable = this.status.unwritableTopics();
    const isHeldUp = unrecorded.length + unwritable.length > 0;
    return isHeldUp ? indicator.degraded({ unrecorded, unwritable }) : indicator.up({ unrecorded, unwritable });
  }

  consumption(): HealthIndicatorResult {
    const indicator = this.indicator.check('consumption');
    const haltedBy = this.status.haltedBy();
    return haltedBy.length > 0 ? indicator.degraded({ haltedBy }) : indicator.up({ haltedBy });
  }

  started(): HealthIndicatorResult {
    const indicator = this.indicator.check('started');
    return this.status.isStarted() ? indicator.up() : indicator.down();
  }

  private namesOf(matches: (consumer: ReturnType<ServiceStatus['consumers']>[number]) => boolean): string[] {
    return this.status.consumers().flatMap((consumer) => (matches(consumer) ? [consumer.name] : []));
  }
}
