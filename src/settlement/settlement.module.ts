import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { DEAD_LETTERS, KAFKA_LOG, KafkaClientModule, REPLIES, RESULTS } from '../kafka/kafka-client.module';
import type { Telemetry } from '../observability/telemetry';
import { TELEMETRY } from '../observability/tokens';
import type { BestEffortPublisher, Publisher } from './publisher';
import { Settlement, type SettlementLog } from './settlement';

const DEBUG_LEVELS: ReadonlySet<Config['log']['level']> = new Set(['debug', 'trace']);

/** Step 5: outcomes are written down. */
@Module({
  imports: [KafkaClientModule],
  providers: [
    {
      provide: Settlement,
      inject: [Topics, RESULTS, DEAD_LETTERS, REPLIES, TELEMETRY, KAFKA_LOG, CONFIG],
      useFactory: (
        topics: Topics,
        results: Publisher,
        deadLetters: Publisher,
        replies: BestEffortPublisher,
        telemetry: Telemetry,
        log: SettlementLog,
        config: Config,
      ) =>
        new Settlement({
          topics,
          results,
          deadLetters,
          replies,
          telemetry,
          wallMs: Date.now,
          log,
          logsAll: DEBUG_LEVELS.has(config.log.level),
        }),
    },
  ],
  exports: [Settlement],
})
export class SettlementModule {}
