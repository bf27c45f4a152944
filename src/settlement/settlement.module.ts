import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { DEAD_LETTERS, KafkaModule, REPLIES, RESULTS, RETRIES } from '../kafka/kafka.module';
import type { Log } from '../observability/log';
import type { Telemetry } from '../observability/telemetry';
import { LOG, TELEMETRY } from '../observability/tokens';
import { MemorySettledStore } from './memory-settled-store';
import type { BestEffortPublisher, Publisher } from './publisher';
import type { RedisSettledStore as RedisStore } from './redis-settled-store';
import type { SettledStore } from './settled-store';
import { Settlement } from './settlement';

/** Injection token of the {@link SettledStore}. */
export const SETTLED_STORE = Symbol('SETTLED_STORE');

const DEBUG_LEVELS: ReadonlySet<Config['log']['level']> = new Set(['debug', 'trace']);

function createSettledStore({ settled, kafka }: Config, log: Log): SettledStore {
  const { redisUrl, ttlMs, maxCommands } = settled;
  if (redisUrl === null) return new MemorySettledStore({ ttlMs, maxCommands, nowMs: () => performance.now() });
  // The Redis client takes 22 MiB, so it is loaded only if it is used.
  const { RedisSettledStore } = require('./redis-settled-store') as { RedisSettledStore: typeof RedisStore };
  return new RedisSettledStore({
    url: redisUrl,
    keyPrefix: kafka.topicPrefix,
    ttlMs,
    leaseMs: kafka.sessionTimeoutMs,
    processId: randomUUID(),
    log,
  });
}

/** Step 5: outcomes are remembered and published. */
@Module({
  imports: [KafkaModule],
  providers: [
    {
      provide: SETTLED_STORE,
      inject: [CONFIG, LOG],
      useFactory: createSettledStore,
    },
    {
      provide: Settlement,
      inject: [Topics, RESULTS, DEAD_LETTERS, RETRIES, REPLIES, TELEMETRY, LOG, CONFIG],
      useFactory: (
        topics: Topics,
        results: Publisher,
        deadLetters: Publisher,
        retries: Publisher,
        replies: BestEffortPublisher,
        telemetry: Telemetry,
        log: Log,
        config: Config,
      ) =>
        new Settlement({
          topics,
          results,
          deadLetters,
          retries,
          delays: config.dispatch.retryTopicDelays,
          replies,
          telemetry,
          wallMs: Date.now,
          log,
          logsAll: DEBUG_LEVELS.has(config.log.level),
        }),
    },
  ],
  exports: [Settlement, SETTLED_STORE],
})
export class SettlementModule {}
