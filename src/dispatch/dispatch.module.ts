import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import { Topics } from '../contract/topics';
import { ApiKeys } from '../messages-api/api-keys';
import { MessagesApiModule } from '../messages-api/messages-api.module';
import type { Telemetry } from '../observability/telemetry';
import { TELEMETRY } from '../observability/tokens';
import { SETTLED_STORE, type SettledStore } from '../settlement/settled-store';
import { SettlementModule } from '../settlement/settlement.module';
import { systemClock } from './clock';
import { Dispatcher } from './dispatcher';
import { Intake } from './intake';
import { LocalRateLimiter } from './schedule/rate-limiter';
import { SlowStart } from './schedule/slow-start';

/**
 * Records are decoded, and commands taken to their outcomes. Whom they hand them to is said in service/command-flow.ts.
 */
@Module({
  imports: [MessagesApiModule, SettlementModule],
  providers: [
    {
      provide: Intake,
      inject: [CONFIG, Topics, SETTLED_STORE],
      useFactory: ({ kafka, dispatch }: Config, topics: Topics, store: SettledStore) =>
        new Intake({
          topics: topics.commands(kafka.channels),
          retryTopics: new Map(
            kafka.channels.flatMap((channel) =>
              dispatch.retryTopicDelays.map((delay) => [topics.retry(channel, delay.name), channel] as const),
            ),
          ),
          defaultDelivery: dispatch.defaultDelivery,
          isStoreDurable: store.isDurable,
          wallMs: () => systemClock.wallMs(),
        }),
    },
    {
      provide: Dispatcher,
      inject: [CONFIG, Topics, ApiKeys, SETTLED_STORE, TELEMETRY],
      useFactory: (
        { kafka, dispatch, messagesApi }: Config,
        topics: Topics,
        keys: ApiKeys,
        store: SettledStore,
        telemetry: Telemetry,
      ) =>
        new Dispatcher({
          config: dispatch,
          callTimeoutMs: messagesApi.timeoutMs,
          clock: systemClock,
          random: Math.random,
          limiter: new LocalRateLimiter(dispatch.limits),
          slowStart: new SlowStart(dispatch.maxInFlight),
          topics: topics.commands(kafka.channels),
          maxUnrecorded: kafka.maxUnrecorded,
          keys,
          store,
          telemetry,
        }),
    },
  ],
  exports: [Intake, Dispatcher],
})
export class DispatchModule {}
