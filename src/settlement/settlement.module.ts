import type { Log } from '../observability/log';
import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { KafkaModule } from '../kafka/kafka.module';
import { Publishers } from '../kafka/publish/publishers';
import type { Telemetry } from '../observability/telemetry';
import { LOG, TELEMETRY } from '../observability/tokens';
import { MemorySettledStore } from './memory-settled-store';
import type { RedisSettledStore as RedisStore } from './redis-settled-store';
import { SETTLED_STORE, type SettledStore } from './settled-store';
import { Settlement } from './settlement';

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
      inject: [CONFIG, Topics, Publishers, TELEMETRY, LOG],
      useFactory: (config: Config, topics: Topics, to: Publishers, telemetry: Telemetry, log: Log) =>
        new Settlement({
          topics,
          results: to.results,
          deadLetters: to.deadLetters,
          retries: to.retries,
          delays: config.dispatch.retryTopicDelays,
          replies: to.replies,
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
