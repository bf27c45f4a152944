import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { logThrough } from './log';
import { Metrics } from './metrics';
import { MetricsController } from './metrics.controller';
import { LOG, TELEMETRY } from './tokens';

/** Gives every module the telemetry and the log, and serves the metrics. The root logger is made before Nest starts. */
@Global()
@Module({})
export class ObservabilityModule {
  static forRoot(logger: Logger): DynamicModule {
    return {
      module: ObservabilityModule,
      controllers: [MetricsController],
      providers: [
        Metrics,
        { provide: TELEMETRY, useExisting: Metrics },
        { provide: LOG, useValue: logThrough(logger) },
      ],
      exports: [TELEMETRY, LOG],
    };
  }
}
