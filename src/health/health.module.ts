import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller';
import { Indicators } from './indicators';

/** The probes. A failing probe is logged by whoever probes, not once per request here. */
@Module({})
export class HealthModule {
  /** @param service exports the SERVICE_STATUS that the probes answer from */
  static watching(service: Type): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false }), service],
      controllers: [HealthController],
      providers: [Indicators],
    };
  }
}
