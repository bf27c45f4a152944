import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Config } from './config/config';
import { ConfigModule } from './config/config.module';
import { DispatchModule } from './dispatch/dispatch.module';
import { HealthModule } from './health/health.module';
import { KafkaModule } from './kafka/kafka.module';
import { MessagesApiModule } from './messages-api/messages-api.module';
import { ObservabilityModule } from './observability/observability.module';
import { ServiceModule } from './service/service.module';
import { SettlementModule } from './settlement/settlement.module';

/**
 * All modules, in the order of the flow: read, dispatch, send, settle. Then the one that connects them, and the probes.
 */
@Module({})
export class AppModule {
  static forRoot(config: Config, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        ObservabilityModule.forRoot(logger),
        KafkaModule,
        DispatchModule,
        MessagesApiModule,
        SettlementModule,
        ServiceModule,
        HealthModule.watching(ServiceModule),
      ],
    };
  }
}
