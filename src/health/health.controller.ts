import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { Indicators } from './indicators';

const UNCACHED = { noCache: true, swaggerDocumentation: false } as const;

/** The three probes: 200, or 503 where an indicator is down, with terminus' body. */
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(Indicators) private readonly indicators: Indicators,
  ) {}

  /** Fails only where a restart helps: an event loop that is stuck does not answer at all. */
  @Get('livez')
  @HealthCheck(UNCACHED)
  live(): Promise<HealthCheckResult> {
    const { indicators } = this;
    return this.health.check([() => indicators.dispatch(), () => indicators.consumersAlive()]);
  }

  /** Fails while this replica should not count as one that works; what halts it from outside shows as degraded. */
  @Get('readyz')
  @HealthCheck(UNCACHED)
  ready(): Promise<HealthCheckResult> {
    const { indicators } = this;
    return this.health.check([
      () => indicators.consumersJoined(),
      () => indicators.serving(),
      () => indicators.circuit(),
      () => indicators.credential(),
      () => indicators.settledStore(),
      () => indicators.consumption(),
    ]);
  }

  /** Fails until topics are checked and every consumer has joined once. */
  @Get('startupz')
  @HealthCheck(UNCACHED)
  started(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicators.started()]);
  }
}
