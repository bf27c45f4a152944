import { Module } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import type { Log } from '../observability/log';
import { LOG } from '../observability/tokens';
import { ApiKeys } from './api-keys';
import { MessagesApiClient } from './client';
import { MessagesController } from './messages.controller';

/** Step 4: one HTTP call. */
@Module({
  controllers: [MessagesController],
  providers: [
    {
      provide: ApiKeys,
      inject: [CONFIG, LOG],
      useFactory: ({ messagesApi }: Config, log: Log) => new ApiKeys(messagesApi, log),
    },
    {
      provide: MessagesApiClient,
      inject: [CONFIG],
      useFactory: ({ messagesApi, dispatch }: Config) =>
        new MessagesApiClient({
          baseUrl: messagesApi.url,
          apiKey: messagesApi.key,
          timeoutMs: messagesApi.timeoutMs,
          maxConnections: dispatch.maxInFlight,
          maxResponseBytes: messagesApi.maxResponseBytes,
        }),
    },
  ],
  exports: [ApiKeys],
})
export class MessagesApiModule {}
