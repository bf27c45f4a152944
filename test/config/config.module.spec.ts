import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Config } from '../../src/config/config';
import { CONFIG, ConfigModule } from '../../src/config/config.module';
import { readConfig } from '../../src/config/read-config';

@Injectable()
class User {
  constructor(@Inject(CONFIG) readonly config: Config) {}
}

@Module({ providers: [User] })
class UserModule {}

describe('ConfigModule', () => {
  it('gives its configuration to modules that do not import it', async () => {
    const reading = readConfig({ KAFKA_BROKERS: 'a:1', MESSAGES_API_URL: 'http://a', MESSAGES_API_KEY: 'k' });
    if (!reading.ok) throw new Error(reading.faults.join('\n'));
    const app = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(reading.config), UserModule],
    }).compile();
    expect(app.get(User).config).toBe(reading.config);
    await app.close();
  });
});
