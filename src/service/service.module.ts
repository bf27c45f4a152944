import { Global, Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { Halts } from '../kafka/partitions/halts';
import { SERVICE_STATUS } from '../health/service-status';
import type { Telemetry } from '../observability/telemetry';
import { LOG, TELEMETRY } from '../observability/tokens';
import { ApiKeys } from '../messages-api/api-keys';
import { MessagesApiModule } from '../messages-api/messages-api.module';
import type { SettledStore } from '../settlement/settled-store';
import { SETTLED_STORE, SettlementModule } from '../settlement/settlement.module';
import { Settlement } from '../settlement/settlement';
import { CommandTransport, type Connected } from './command-transport';
import { DEAD_LETTERS, KafkaModule, REPLIES, RESULTS, RETRIES } from '../kafka/kafka.module';
import type { Log } from '../observability/log';
import { SharedClient } from '../kafka/client/shared-client';
import { OffsetResets } from '../kafka/partitions/offset-resets';

/** Steps 1 and 3: commands are read and dispatched. Global for the probes, which ask the transport how it is. */
@Global()
@Module({
  imports: [KafkaModule, MessagesApiModule, SettlementModule],
  providers: [
    {
      provide: CommandTransport,
      inject: [
        CONFIG,
        Topics,
        SharedClient,
        Settlement,
        SETTLED_STORE,
        ApiKeys,
        Halts,
        OffsetResets,
        TELEMETRY,
        LOG,
        RESULTS,
        DEAD_LETTERS,
        RETRIES,
        REPLIES,
      ],
      useFactory: (
        config: Config,
        topics: Topics,
        client: SharedClient,
        settlement: Settlement,
        store: SettledStore,
        keys: ApiKeys,
        halts: Halts,
        resets: OffsetResets,
        telemetry: Telemetry,
        log: Log,
        ...publishers: Connected[]
      ) =>
        new CommandTransport({
          config,
          topics,
          client,
          settlement,
          store,
          keys,
          publishers,
          halts,
          resets,
          telemetry,
          log,
        }),
    },
    { provide: SERVICE_STATUS, useExisting: CommandTransport },
  ],
  exports: [CommandTransport, SERVICE_STATUS],
})
export class ServiceModule {}
