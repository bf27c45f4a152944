import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { Halts } from './partitions/halts';
import type { Telemetry } from '../observability/telemetry';
import { LOG, TELEMETRY } from '../observability/tokens';
import type { Log } from '../observability/log';
import { SharedClient } from './client/shared-client';
import { OffsetResets } from './partitions/offset-resets';
import { RecordPublisher } from './publish/record-publisher';
import { ReplyPublisher } from './publish/reply-publisher';

/** Injection tokens of the publishers: one each, so that a fault of one topic does not hold up the others. */
export const RESULTS = Symbol('RESULTS');
export const DEAD_LETTERS = Symbol('DEAD_LETTERS');
export const RETRIES = Symbol('RETRIES');
export const REPLIES = Symbol('REPLIES');

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
    { provide: Topics, inject: [CONFIG], useFactory: ({ kafka }: Config) => new Topics(kafka.topicPrefix) },
    {
      provide: SharedClient,
      inject: [CONFIG, LOG, OffsetResets],
      useFactory: ({ kafka }: Config, log: Log, resets: OffsetResets) =>
        new SharedClient(kafka, log, (topic, partition) => resets.tell(topic, partition)),
    },
    ...PUBLISHERS.map(({ token, reason, urgent }) => ({
      provide: token,
      inject: [CONFIG, SharedClient, Topics, Halts, TELEMETRY, LOG],
      useFactory: (
        { kafka: { publishTimeoutMs: timeoutMs } }: Config,
        { kafka }: SharedClient,
        topics: Topics,
        halts: Halts,
        telemetry: Telemetry,
        log: Log,
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
      inject: [SharedClient, LOG],
      useFactory: ({ kafka }: SharedClient, log: Log) => new ReplyPublisher(kafka, log),
    },
  ],
  exports: [Halts, OffsetResets, Topics, SharedClient, RESULTS, DEAD_LETTERS, RETRIES, REPLIES],
})
export class KafkaModule {}
