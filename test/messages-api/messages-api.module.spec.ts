import { Test } from '@nestjs/testing';
import { ConfigModule } from '../../src/config/config.module';
import { readConfig } from '../../src/config/read-config';
import { MessagesApiClient } from '../../src/messages-api/client';
import { MessagesApiModule } from '../../src/messages-api/messages-api.module';
import { createLogger } from '../../src/observability/logger';
import { ObservabilityModule } from '../../src/observability/observability.module';
import { ACCEPTED, answer, startRawServer, type RawServer } from './raw-server';

let server: RawServer;

beforeAll(async () => {
  server = await startRawServer((socket) => socket.write(answer('200 OK', ACCEPTED)));
});
afterAll(() => server.close());

it('closes the client and every connection when the application closes', async () => {
  const read = readConfig({ KAFKA_BROKERS: 'localhost:9092', MESSAGES_API_URL: server.url, MESSAGES_API_KEY: 'k' });
  if (!read.ok) throw new Error(read.faults.join('\n'));
  const logger = createLogger({ level: 'fatal', format: 'json' });
  const module = await Test.createTestingModule({
    imports: [ConfigModule.forRoot(read.config), ObservabilityModule.forRoot(logger), MessagesApiModule],
  }).compile();
  const app = await module.createNestApplication().init();
  const client = app.get(MessagesApiClient);
  const request = { apiKey: 'k', path: '/x', body: '{}', idempotencyKey: 'c', permit: { maySend: true } };
  expect(await client.call(request)).toMatchObject({ kind: 'accepted' });
  const closed = new Promise((resolve) => server.sockets[0]?.once('close', resolve));
  await app.close();
  await closed;
  expect(await client.call(request)).toMatchObject({ kind: 'not-sent' });
});
