import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { Indicators } from './indicators';

/**
 * The probes. They answer from SERVICE_STATUS, which a global module provides. A failing probe is logged by whoever
 * probes, not once per request here.
 */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [Indicators],
})
export class HealthModule {}
