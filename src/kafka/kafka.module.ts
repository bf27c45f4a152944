import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { Halts } from './partitions/halts';
import type { Telemetry } from '../observability/telemetry';
import { LOGGER, TELEMETRY } from '../observability/tokens';
import type { KafkaLog } from './client/kafka-client';
import { SharedClient } from './client/shared-client';
import { OffsetResets } from './partitions/offset-resets';
import { RecordPublisher } from './publish/record-publisher';
import { ReplyPublisher } from './publish/reply-publisher';

/** Injection tokens of the publishers: one each, so that a fault of one topic does not hold up the others. */
export const RESULTS = Symbol('RESULTS');
export const DEAD_LETTERS = Symbol('DEAD_LETTERS');
export const RETRIES = Symbol('RETRIES');
export const REPLIES = Symbol('REPLIES');
/** Injection token of the {@link KafkaLog}. */
export const KAFKA_LOG = Symbol('KAFKA_LOG');

const PUBLISHERS = [
  { token: RESULTS, reason: 'results', urgent: (topics: Topics) => [topics.results] },
  { token: DEAD_LETTERS, reason: 'dead-letters', urgent: (topics: Topics) => [topics.deadLetters] },
  { token: RETRIES, reason: 'retries', urgent: () => [] },
] as const;

/** The connection to Kafka, and what is written through it. */
@Module({
  providers: [
    Halts,
    OffsetResets,
    {
      provide: KAFKA_LOG,
      inject: [LOGGER],
      useFactory:
        (logger: Logger): KafkaLog =>
        (level, message, fields) =>
          logger[level](fields, message),
    },
    { provide: Topics, inject: [CONFIG], useFactory: ({ kafka }: Config) => new Topics(kafka.topicPrefix) },
    {
      provide: SharedClient,
      inject: [CONFIG, KAFKA_LOG, OffsetResets],
      useFactory: ({ kafka }: Config, log: KafkaLog, resets: OffsetResets) =>
        new SharedClient(kafka, log, (topic, partition) => resets.tell(topic, partition)),
    },
    ...PUBLISHERS.map(({ token, reason, urgent }) => ({
      provide: token,
      inject: [CONFIG, SharedClient, Topics, Halts, TELEMETRY, KAFKA_LOG],
      useFactory: (
        { kafka: { publishTimeoutMs: timeoutMs } }: Config,
        { kafka }: SharedClient,
        topics: Topics,
        halts: Halts,
        telemetry: Telemetry,
        log: KafkaLog,
      ) =>
        new RecordPublisher({
          kafka,
          urgentTopics: urgent(topics),
          timeoutMs,
          telemetry,
          log,
          onBlocked: (isBlocked) => halts.set(reason, isBlocked),
        }),
    })),
    {
      provide: REPLIES,
      inject: [SharedClient, KAFKA_LOG],
      useFactory: ({ kafka }: SharedClient, log: KafkaLog) => new ReplyPublisher(kafka, log),
    },
  ],
  exports: [Halts, OffsetResets, KAFKA_LOG, Topics, SharedClient, RESULTS, DEAD_LETTERS, RETRIES, REPLIES],
})
export class KafkaModule {}
