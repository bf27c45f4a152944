import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { Indicators } from './indicators';

const UNCACHED = { noCache: true, swaggerDocumentation: false } as const;

/** The three probes. They answer 200, or 503 if an indicator is down, with terminus's body. */
@Controller()
export class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(Indicators) private readonly indicators: Indicators,
  ) {}

  /** Fails only if a restart helps. (A stuck event loop does not answer at all.) */
  @Get('livez')
  @HealthCheck(UNCACHED)
  live(): Promise<HealthCheckResult> {
    const { indicators } = this;
    return this.health.check([() => indicators.dispatch(), () => indicators.consumersAlive()]);
  }

  /** Fails while this replica cannot work. If something outside halts it, it is degraded but does not fail. */
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
      () => indicators.recording(),
      () => indicators.consumption(),
    ]);
  }

  /** Fails until the topics are checked and every consumer has joined its group once. */
  @Get('startupz')
  @HealthCheck(UNCACHED)
  started(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicators.started()]);
  }
}
