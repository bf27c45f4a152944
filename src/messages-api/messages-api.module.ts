import { Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../config/config';
import { CONFIG } from '../config/config.module';
import type { Log } from '../observability/log';
import { LOG } from '../observability/tokens';
import { ApiKeys } from './api-keys';
import { MessagesApiClient } from './client';
import { MessagesController } from './messages.controller';

/** The client of the Messages API, its keys, and the handler that makes one call. */
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
          timeoutMs: messagesApi.timeoutMs,
          maxConnections: dispatch.maxInFlight,
          maxResponseBytes: messagesApi.maxResponseBytes,
        }),
    },
  ],
  exports: [ApiKeys],
})
export class MessagesApiModule implements OnApplicationShutdown {
  constructor(private readonly client: MessagesApiClient) {}

  /** Runs after the transport has drained: no call is under way any more. */
  onApplicationShutdown(): Promise<void> {
    return this.client.close();
  }
}
