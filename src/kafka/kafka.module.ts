import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import type { Telemetry } from '../observability/telemetry';
import { LOGGER, TELEMETRY } from '../observability/tokens';
import { KAFKA_LOG, type KafkaLog } from './client/kafka-client';
import { SharedClient } from './client/shared-client';
import { CommandConsumers } from './group/command-consumers';
import { Halts } from './partitions/halts';
import { Publishers } from './publish/publishers';
import { StartChecks } from './start/start-checks';

/** Commands are read and results written. Whom records go to is said in service/command-flow.ts. */
@Module({
  providers: [
    Halts,
    {
      provide: KAFKA_LOG,
      inject: [LOGGER],
      useFactory:
        (logger: Logger): KafkaLog =>
        (level, message, fields) =>
          logger[level](fields, message),
    },
    {
      provide: SharedClient,
      inject: [CONFIG, KAFKA_LOG],
      useFactory: ({ kafka }: Config, log: KafkaLog) => new SharedClient(kafka, log),
    },
    {
      provide: StartChecks,
      inject: [CONFIG, Topics, SharedClient, KAFKA_LOG],
      useFactory: (config: Config, topics: Topics, client: SharedClient, log: KafkaLog) =>
        new StartChecks({ config, topics, client, log }),
    },
    {
      provide: CommandConsumers,
      inject: [CONFIG, Topics, SharedClient, Halts, TELEMETRY, KAFKA_LOG],
      useFactory: (
        config: Config,
        topics: Topics,
        client: SharedClient,
        halts: Halts,
        telemetry: Telemetry,
        log: KafkaLog,
      ) => new CommandConsumers({ config, topics, client, halts, telemetry, log }),
    },
    {
      provide: Publishers,
      inject: [CONFIG, Topics, SharedClient, Halts, TELEMETRY, KAFKA_LOG],
      useFactory: (
        { kafka }: Config,
        topics: Topics,
        client: SharedClient,
        halts: Halts,
        telemetry: Telemetry,
        log: KafkaLog,
      ) => new Publishers({ config: kafka, topics, client, halts, telemetry, log }),
    },
  ],
  exports: [Halts, KAFKA_LOG, SharedClient, StartChecks, CommandConsumers, Publishers],
})
export class KafkaModule {}
