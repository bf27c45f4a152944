import type { Log } from '../observability/log';
import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import type { Telemetry } from '../observability/telemetry';
import { LOG, TELEMETRY } from '../observability/tokens';
import { SharedClient } from './client/shared-client';
import { CommandConsumers } from './group/command-consumers';
import { Halts } from './partitions/halts';
import { Publishers } from './publish/publishers';
import { StartChecks } from './start/start-checks';

/** Reads commands and writes results. service/command-flow.ts says where the records go. */
@Module({
  providers: [
    Halts,
    {
      provide: SharedClient,
      inject: [CONFIG, LOG],
      useFactory: ({ kafka }: Config, log: Log) => new SharedClient(kafka, log),
    },
    {
      provide: StartChecks,
      inject: [CONFIG, Topics, SharedClient, LOG],
      useFactory: (config: Config, topics: Topics, client: SharedClient, log: Log) =>
        new StartChecks({ config, topics, client, log }),
    },
    {
      provide: CommandConsumers,
      inject: [CONFIG, Topics, SharedClient, Halts, TELEMETRY, LOG],
      useFactory: (
        config: Config,
        topics: Topics,
        client: SharedClient,
        halts: Halts,
        telemetry: Telemetry,
        log: Log,
      ) => new CommandConsumers({ config, topics, client, halts, telemetry, log }),
    },
    {
      provide: Publishers,
      inject: [CONFIG, Topics, SharedClient, TELEMETRY, LOG],
      useFactory: ({ kafka }: Config, topics: Topics, client: SharedClient, telemetry: Telemetry, log: Log) =>
        new Publishers({ config: kafka, topics, client, telemetry, log }),
    },
  ],
  exports: [Halts, SharedClient, StartChecks, CommandConsumers, Publishers],
})
export class KafkaModule {}
