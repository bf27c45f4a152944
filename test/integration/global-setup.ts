import { resolve } from 'node:path';
import type { DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { buildService } from '../../tools/lib/build-service.ts';
import type { DevRedis } from '../../tools/redis/dev-redis.ts';
import { startRedis } from '../../tools/redis/start-redis.ts';
import { TEST_DEADLINE_MS } from '../deadline.ts';
import globalTeardown from './global-teardown.ts';

declare global {
  var sharedKafka: DevKafka | undefined;
  var sharedRedis: DevRedis | undefined;
}

/**
 * Builds the service, and starts the Kafka and the Redis that the integration tests share. `SHARED_KAFKA` and
 * `SHARED_REDIS` give their addresses to the tests. If one of them fails to start, the other one is stopped.
 */
export default async function globalSetup(): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const signal = AbortSignal.timeout(TEST_DEADLINE_MS);
  const [built, kafka, redis] = await Promise.allSettled([
    buildService(resolve(__dirname, '../..'), log, signal),
    startKafka({ log, signal }),
    startRedis({ log, signal }),
  ]);
  if (kafka.status === 'fulfilled') globalThis.sharedKafka = kafka.value;
  if (redis.status === 'fulfilled') globalThis.sharedRedis = redis.value;
  for (const each of [built, kafka, redis]) {
    if (each.status === 'fulfilled') continue;
    await globalTeardown();
    throw each.reason;
  }
  process.env['SHARED_KAFKA'] = globalThis.sharedKafka?.brokers.join(',');
  process.env['SHARED_REDIS'] = globalThis.sharedRedis?.url;
}
