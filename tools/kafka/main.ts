import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startKafka } from './start-kafka.ts';

const USAGE = 'usage: node tools/kafka/main.ts [--brokers 1|3]';

/**
 * Runs a development Kafka until SIGINT or SIGTERM, then cleans up. Prints `KAFKA_BROKERS=…` when clients may connect.
 */
async function main(): Promise<void> {
  const brokers = brokerCount();
  if (brokers === undefined) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  quietKafkajs();
  const ending = new AbortController();
  const end = (): void => ending.abort();
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    const kafka = await startKafka({ brokers, signal: ending.signal, log: (line) => console.error(line) });
    console.log(`KAFKA_BROKERS=${kafka.brokers.join(',')}`);
    // With an existing Kafka, nothing else keeps this process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    if (!ending.signal.aborted) await once(ending.signal, 'abort');
    clearInterval(alive);
    await kafka.stop();
  } catch (error) {
    if (ending.signal.aborted) return;
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

/** kafkajs 2.2.4 asks for timers in the past, and Node warns about each. Users would see that warning first. */
function quietKafkajs(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') console.error(`${warning.name}: ${warning.message}`);
  });
}

function brokerCount(): 1 | 3 | undefined {
  try {
    const { values } = parseArgs({ options: { brokers: { type: 'string', default: '1' } } });
    return values.brokers === '1' ? 1 : values.brokers === '3' ? 3 : undefined;
  } catch {
    return undefined;
  }
}

void main();
