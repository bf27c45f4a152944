import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Topics } from '../contract/topics';
import type { Config } from './config';

/** Injection token of the frozen {@link Config}. */
export const CONFIG = Symbol('CONFIG');

/** Provides the configuration, read before Nest starts, and the names of the topics to every module. */
@Global()
@Module({})
export class ConfigModule {
  static forRoot(config: Config): DynamicModule {
    const topics = new Topics(config.kafka.topicPrefix);
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: Topics, useValue: topics },
    ];
    return { module: ConfigModule, providers, exports: [CONFIG, Topics] };
  }
}
