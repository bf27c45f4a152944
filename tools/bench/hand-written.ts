/**
 * A dispatcher as somebody would write it by hand in an afternoon: kafkajs, undici and a semaphore, without order,
 * validation, retries or settlement. The service's CPU is judged as a multiple of it, because seconds depend on the
 * machine. It runs as a process and takes the service's settings.
 */
import { createServer } from 'node:http';
import { Kafka, logLevel } from 'kafkajs';
import type { KafkaMessage, Message } from 'kafkajs';
import { Pool } from 'undici';
import { LOAD_OPERATION } from './load.ts';

const setting = (name: string): string => process.env[name] ?? '';
const prefix = setting('TOPIC_PREFIX');
const maxInFlight = Number(setting('MAX_IN_FLIGHT'));

const kafka = new Kafka({ brokers: setting('KAFKA_BROKERS').split(','), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: setting('KAFKA_GROUP_ID'), maxWaitTimeInMs: 100 });
const producer = kafka.producer();
const pool = new Pool(setting('MESSAGES_API_URL'), { connections: maxInFlight });

let freeSlots = maxInFlight;
const waitingForSlot: (() => void)[] = [];
let unpublished: Message[] = [];
let isPublishing = false;
let isReady = false;

async function takeSlot(): Promise<void> {
  if (freeSlots > 0) freeSlots--;
  else await new Promise<void>((resolve) => waitingForSlot.push(resolve));
}

function giveSlot(): void {
  const next = waitingForSlot.shift();
  if (next === undefined) freeSlots++;
  else next();
}

async function publish(result: Message): Promise<void> {
  unpublished.push(result);
  if (isPublishing) return;
  isPublishing = true;
  while (unpublished.length > 0) {
    const messages = unpublished;
    unpublished = [];
    await producer.send({ topic: `${prefix}results`, acks: -1, messages });
  }
  isPublishing = false;
}

async function send({ key, value }: KafkaMessage): Promise<void> {
  const { id, request } = JSON.parse(value?.toString() ?? '') as { id: string; request: unknown };
  const headers = {
    'x-api-key': setting('MESSAGES_API_KEY'),
    'content-type': 'application/json',
    'idempotency-key': id,
  };
  const body = JSON.stringify(request);
  const answer = await pool.request({ method: 'POST', path: LOAD_OPERATION.path, headers, body });
  const response: unknown = await answer.body.json();
  giveSlot();
  void publish({ key, value: JSON.stringify({ commandId: id, httpStatus: answer.statusCode, response }) });
}

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: `${prefix}commands.whatsapp`, fromBeginning: true });
consumer.on(consumer.events.GROUP_JOIN, () => (isReady = true));
await consumer.run({
  partitionsConsumedConcurrently: 8,
  autoCommitInterval: 1_000,
  eachBatch: async (payload) => {
    const sending: Promise<void>[] = [];
    for (const message of payload.batch.messages) {
      await takeSlot();
      sending.push(send(message));
      await payload.heartbeat();
    }
    await Promise.all(sending);
  },
});

createServer((_request, response) => response.writeHead(isReady ? 200 : 503).end()).listen(
  Number(setting('HTTP_PORT')),
);
process.once('SIGTERM', () => process.exit(0));
