import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { Metrics } from './metrics';
import { MetricsController } from './metrics.controller';
import { LOGGER, TELEMETRY } from './tokens';

/** Gives every module the telemetry and the root logger, which is made before Nest starts; serves the metrics. */
@Global()
@Module({})
export class ObservabilityModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: ObservabilityModule,
      controllers: [MetricsController],
      providers: [Metrics, { provide: TELEMETRY, useExisting: Metrics }, { provide: LOGGER, useValue: logger }],
      exports: [TELEMETRY, LOGGER],
    };
  }
}
