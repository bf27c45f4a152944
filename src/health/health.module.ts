import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { Indicators } from './indicators';

/**
 * The probes. They read SERVICE_STATUS, which a global module provides. This service does not log failing probes: the
 * prober does.
 */
@Module({
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [Indicators],
})
export class HealthModule {}
