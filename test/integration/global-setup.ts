import { resolve } from 'node:path';
import { type DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { buildService } from '../../tools/lib/build-service.ts';

declare global {
  var sharedKafka: DevKafka | undefined;
}

/** Builds the service, and starts the Kafka that the integration tests share; `SHARED_KAFKA` tells them where it is. */
export default async function globalSetup(): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  await buildService(resolve(__dirname, '../..'), say, AbortSignal.timeout(120_000));
  const kafka = await startKafka({ log: say });
  globalThis.sharedKafka = kafka;
  process.env['SHARED_KAFKA'] = kafka.brokers.join(',');
}
