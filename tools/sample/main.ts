/**
 * Sends one command for each endpoint through `KAFKA_BROKERS`, and prints how each ended. Exits 0 if all were accepted.
 */
import { randomUUID } from 'node:crypto';
// The whole module: ESM cannot import it by name.
import kafkajs from 'kafkajs';
import { sampleCommands } from './commands.ts';
import { readResults } from './results.ts';
import type { SampleResult } from './results.ts';

const TIMEOUT_MS = 60_000;

const prefix = process.env['TOPIC_PREFIX'] || 'messages.';
const kafka = new kafkajs.Kafka({
  clientId: 'messages-dispatcher-sample',
  brokers: (process.env['KAFKA_BROKERS'] || 'localhost:9092').split(','),
  logLevel: kafkajs.logLevel.ERROR,
});

async function send(commands: ReturnType<typeof sampleCommands>): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    await producer.sendBatch({
      acks: -1,
      topicMessages: commands.map(({ channel, key, value }) => ({
        topic: `${prefix}commands.${channel}`,
        messages: [{ key, value: JSON.stringify(value) }],
      })),
    });
  } finally {
    await producer.disconnect();
  }
}

const commands = sampleCommands(`sample-${randomUUID()}`);
const wanted = new Set(commands.map(({ value }) => value.id));
const results = new Map<string, SampleResult>();
try {
  await readResults({
    kafka,
    topic: `${prefix}results`,
    whenReading: () => send(commands),
    onResult: (result) => {
      if (wanted.has(result.commandId)) results.set(result.commandId, result);
      return results.size === wanted.size;
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}

for (const { channel, value } of commands) {
  const result = results.get(value.id);
  const end = result === undefined ? 'no result' : `${result.outcome.padEnd(9)} ${result.id} ${result.error}`;
  console.log(`${channel.padEnd(10)} ${value.type.padEnd(9)} ${end.trimEnd()}`);
}
const accepted = [...results.values()].filter(({ outcome }) => outcome === 'accepted').length;
console.log(`${accepted} of ${commands.length} accepted`);
process.exitCode = accepted === commands.length ? 0 : 1;
