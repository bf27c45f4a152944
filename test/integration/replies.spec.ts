import { ClientKafka } from '@nestjs/microservices';
import kafkajs from 'kafkajs';
import { firstValueFrom, type Observable } from 'rxjs';
import type { Result } from '../../src/contract/outcome';
import { createTopics, deleteTopics } from '../../tools/kafka/topics.ts';
import { readAll } from '../../tools/lib/reading.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { TestBed, type Command } from './harness';

/**
 * Nest's own client, as a producer's service would use it. By default it expects the answer to a topic on
 * `<topic>.reply`. That name is under the service's `TOPIC_PREFIX`, to which no replies go, so it gets another name.
 * That topic must exist before `connect`.
 */
class CommandClient extends ClientKafka {
  protected override getResponsePatternName(pattern: string): string {
    return replyTopicOf(pattern);
  }
}

function replyTopicOf(topic: string): string {
  return `replies.${topic}`;
}

function command(id: string, headers: Record<string, string> = {}): Command {
  const request = { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, textMessage: 'Hello' };
  return { key: id, headers, value: { id, type: 'text', request } };
}

async function failures(bed: TestBed): Promise<number> {
  return Number(/^messages_dispatcher_reply_failures_total (\d+)$/m.exec(await bed.service.metrics())?.[1] ?? 0);
}

async function untilFailures(bed: TestBed, count: number): Promise<void> {
  await bed.until(async () => (await failures(bed)) >= count, `${count} replies are counted as failed`);
}

let bed: TestBed;

beforeAll(async () => {
  bed = await TestBed.start();
});

describe("Nest's ClientKafka.send()", () => {
  let client: CommandClient;

  beforeAll(async () => {
    await createTopics(bed.brokers, [{ topic: replyTopicOf(bed.commandTopic()), partitions: 3 }]);
    client = new CommandClient({
      client: { clientId: 'shop', brokers: [...bed.brokers], logLevel: kafkajs.logLevel.NOTHING },
      consumer: { groupId: `${bed.group}-shop`, maxWaitTimeInMs: 100 },
    });
    client.subscribeToResponseOf(bed.commandTopic());
    await client.connect();
  });

  afterAll(async () => {
    await client.close();
    await deleteTopics(bed.brokers, [replyTopicOf(bed.commandTopic())]);
  });

  const send = ({ key, value }: Command): Observable<Result> => client.send<Result>(bed.commandTopic(), { key, value });

  it('completes with the result of its command', async () => {
    const answer = await firstValueFrom(send(command('asked')));
    expect(answer).toMatchObject({ commandId: 'asked', outcome: 'accepted', status: 'queued', id: expect.any(String) });
    const published = bed.seenResults.find(({ result }) => result.commandId === 'asked');
    expect(answer).toEqual(published?.result);
  });

  it('completes with the right result for each of many sent at once', async () => {
    const ids = Array.from({ length: 50 }, (_, at) => `many-${at}`);
    const answers = await Promise.all(ids.map((id) => firstValueFrom(send(command(id)))));
    expect(answers.map(({ commandId, outcome }) => `${commandId} ${outcome}`)).toEqual(
      ids.map((id) => `${id} accepted`),
    );
  });

  it('completes with the result of a command that is refused', async () => {
    const answer = await firstValueFrom(send({ key: 'k', value: { id: 'refused', type: 'text' } }));
    expect(answer).toMatchObject({ commandId: 'refused', outcome: 'invalid' });
  });
});

describe('a reply', () => {
  it('goes to the named partition, with the correlation id and the header that marks it as the last', async () => {
    const topic = `elsewhere.${bed.group}`;
    await createTopics(bed.brokers, [{ topic, partitions: 3 }]);
    try {
      const headers = { kafka_replyTopic: topic, kafka_replyPartition: '2', kafka_correlationId: 'c-77' };
      const [place] = await bed.produce([command('to-partition', headers)]);
      const { result } = await bed.resultOf(place);
      const [reply] = await readAll(bed.kafka, topic, 1, AbortSignal.timeout(DEADLINE_MS));
      expect(JSON.parse(String(reply?.value))).toEqual(result);
      expect(String(reply?.headers?.['kafka_correlationId'])).toBe('c-77');
      expect(reply?.headers).toHaveProperty('kafka_nest-is-disposed');
      const admin = bed.kafka.admin();
      await admin.connect();
      const offsets = await admin.fetchTopicOffsets(topic);
      await admin.disconnect();
      expect(offsets.find(({ partition }) => partition === 2)?.high).toBe('1');
    } finally {
      await deleteTopics(bed.brokers, [topic]);
    }
  });

  it('reaches a new topic right after an earlier one has been deleted', async () => {
    for (const topic of [1, 2, 3, 4].map((n) => `short-lived-${n}.${bed.group}`)) {
      await createTopics(bed.brokers, [{ topic }]);
      const [place] = await bed.produce([command(topic, { kafka_replyTopic: topic })]);
      await bed.resultOf(place);
      const [reply] = await readAll(bed.kafka, topic, 1, AbortSignal.timeout(DEADLINE_MS));
      expect(JSON.parse(String(reply?.value))).toMatchObject({ commandId: topic, outcome: 'accepted' });
      await deleteTopics(bed.brokers, [topic]);
    }
  });

  it('to a topic of the service is refused and counted', async () => {
    const before = await failures(bed);
    const targets = [bed.topics.results, bed.topics.deadLetters, bed.commandTopic(), `${bed.commandTopic()}.reply`];
    const places = await bed.produce(targets.map((topic, at) => command(`own-${at}`, { kafka_replyTopic: topic })));
    for (const place of places) await bed.resultOf(place);
    await untilFailures(bed, before + targets.length);
    const own = bed.seenResults.filter(({ result }) => result.commandId?.startsWith('own-'));
    expect(own).toHaveLength(targets.length);
    expect(bed.seenDeadLetters.filter(({ key }) => key?.startsWith('own-'))).toEqual([]);
  });

  it('that cannot be delivered is counted, and delays nothing', async () => {
    const before = await failures(bed);
    const lost = Array.from({ length: 20 }, (_, at) => command(`lost-${at}`, { kafka_replyTopic: `nowhere-${at}` }));
    const places = await bed.produce([...lost, command('unhurt')]);
    for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    await bed.untilCommitted();
    await untilFailures(bed, before + lost.length);
  });

  it('is not sent to a name that cannot be a topic, and its command goes on', async () => {
    const names = ['', '..', 'no topic', 'x'.repeat(300), '\u0000'];
    const places = await bed.produce(names.map((name, at) => command(`odd-${at}`, { kafka_replyTopic: name })));
    for (const place of places) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
  });
});
