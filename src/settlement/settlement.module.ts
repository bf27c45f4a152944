import { Module } from '@nestjs/common';
import { Topics } from '../contract/topics';
import { DEAD_LETTERS, KAFKA_LOG, KafkaClientModule, REPLIES, RESULTS } from '../kafka/kafka-client.module';
import type { Telemetry } from '../observability/telemetry';
import { TELEMETRY } from '../observability/tokens';
import type { BestEffortPublisher, Publisher } from './publisher';
import { Settlement, type SettlementLog } from './settlement';

/** Step 5: outcomes are written down. */
@Module({
  imports: [KafkaClientModule],
  providers: [
    {
      provide: Settlement,
      inject: [Topics, RESULTS, DEAD_LETTERS, REPLIES, TELEMETRY, KAFKA_LOG],
      useFactory: (
        topics: Topics,
        results: Publisher,
        deadLetters: Publisher,
        replies: BestEffortPublisher,
        telemetry: Telemetry,
        log: SettlementLog,
      ) => new Settlement({ topics, results, deadLetters, replies, telemetry, wallMs: Date.now, log }),
    },
  ],
  exports: [Settlement],
})
export class SettlementModule {}
