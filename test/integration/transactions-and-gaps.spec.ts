import type { Producer, Transaction } from 'kafkajs';
import { TestBed } from './harness';

const valid = (id: string, workspace = 'w-1'): object => ({
  id,
  type: 'text',
  request: { contact: { id: `c-${id}` }, workspace: { id: workspace }, textMessage: 'x' },
});

async function withTransactions(
  bed: TestBed,
  work: (begin: () => Promise<Transaction>, beginOther: () => Promise<Transaction>) => Promise<void>,
): Promise<void> {
  const producers: Producer[] = ['a', 'b'].map((name) =>
    bed.kafka.producer({ transactionalId: `${bed.prefix}${name}`, maxInFlightRequests: 1, idempotent: true }),
  );
  const [first, second] = producers as [Producer, Producer];
  await Promise.all(producers.map((producer) => producer.connect()));
  try {
    await work(
      () => first.transaction(),
      () => second.transaction(),
    );
  } finally {
    await Promise.all(producers.map((producer) => producer.disconnect()));
  }
}

async function gauge(bed: TestBed, name: string): Promise<number | undefined> {
  const lines = (await bed.service.metrics())
    .split('\n')
    .filter((line) => line.startsWith(`messages_dispatcher_${name}{`));
  return lines
    .filter((line) => line.includes(`"${bed.commandTopic()}"`))
    .map((line) => Number(line.split(' ').at(-1)))
    .at(0);
}

describe('transactions', () => {
  it.each(['before', 'after'])(
    'that are rolled back in whatever order send nothing, written %s the start',
    async (when) => {
      await using bed = await TestBed.start({ partitions: 1, service: when === 'after' });
      await withTransactions(bed, async (begin, beginOther) => {
        const a = await begin();
        await bed.produceWith(a, [{ value: valid('c-1') }]);
        const b = await beginOther();
        await bed.produceWith(b, [{ value: valid('c-2') }]);
        await b.abort();
        await a.abort();
      });
      // Markers are written a moment after the answer.
      const end = async () => (await bed.admin.fetchTopicOffsets(bed.commandTopic()))[0]?.high;
      await bed.until(async () => (await end()) === '4', 'both markers');
      const [last] = await bed.produce([{ value: valid('c-3') }]);
      if (when === 'before') await bed.startService();
      await bed.resultOf(last);
      await bed.untilCommitted();
      expect(bed.sandbox.calls().map(({ key }) => key)).toEqual(['c-3']);
      expect(bed.seenResults).toHaveLength(1);
      expect(bed.seenDeadLetters).toEqual([]);
    },
  );

  it('leave no lag, neither at their end nor after a restart', async () => {
    await using bed = await TestBed.start({ partitions: 1 });
    await withTransactions(bed, async (begin) => {
      const a = await begin();
      await bed.produceWith(a, [{ value: valid('c-1') }, { value: valid('c-2') }]);
      await a.commit();
    });
    await bed.results(2);
    await bed.untilCommitted();
    expect(await bed.committed()).toEqual([3]);
    await bed.until(async () => (await gauge(bed, 'lag_messages')) === 0, 'no lag');
    await bed.stopService();
    await withTransactions(bed, async (begin) => {
      const a = await begin();
      await bed.produceWith(a, [{ value: valid('c-3') }]);
      await a.abort();
    });
    await bed.startService();
    await bed.untilCommitted();
    expect(await bed.committed()).toEqual([5]);
  });
});

it('a gap of 30,000 offsets behind a waiting command pauses the partition, and costs nothing', async () => {
  const faultRules = [{ match: { workspace: 'limited' }, fault: 'status429' as const }];
  await using bed = await TestBed.start({ partitions: 1, sandbox: { retryAfter: 1, faultRules } });
  await bed.produce([{ value: valid('waits', 'limited') }]);
  await bed.until(() => bed.sandbox.calls().length > 0, 'the first call is refused');
  await withTransactions(bed, async (begin) => {
    const a = await begin();
    for (let part = 0; part < 3; part++) {
      await bed.produceWith(
        a,
        Array.from({ length: 10_000 }, () => ({ value: 'x' })),
      );
    }
    await a.abort();
  });
  const [behind] = await bed.produce([{ value: valid('behind') }]);
  await bed.until(async () => (await gauge(bed, 'partition_held_back')) === 1, 'the partition is held back');
  expect(await gauge(bed, 'partition_paused')).toBe(1);
  expect(bed.seenResults).toEqual([]);
  await bed.sandbox.setBehaviour({ faultRules: [] });
  expect((await bed.resultOf(behind)).result.outcome).toBe('accepted');
  await bed.untilCommitted();
  expect(await bed.committed()).toEqual([30_003]);
  expect(bed.seenResults).toHaveLength(2);
});

it('a command of any timestamp keeps its origin on the retry topics', async () => {
  const settings = { RETRY_MAX_ATTEMPTS: '1', RETRY_BASE_DELAY_MS: '10', MESSAGES_API_URL: 'http://127.0.0.1:9' };
  const topicConfigs = { commands: { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) } };
  await using bed = await TestBed.start({ partitions: 1, retryDelays: '1s,2s', settings, topicConfigs });
  const timestamps = ['-1', '0', '253402300800000'];
  await bed.producer.send({
    topic: bed.commandTopic(),
    acks: -1,
    messages: timestamps.map((timestamp, at) => ({ partition: 0, timestamp, value: JSON.stringify(valid(`t-${at}`)) })),
  });
  for (const [at, timestamp] of timestamps.entries()) {
    const place = { topic: bed.commandTopic(), partition: 0, offset: String(at) };
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'failed', attempts: 3, source: place });
    expect((await bed.deadLetterOf(place)).headers).toMatchObject({ 'kafka_dlt-original-timestamp': timestamp });
  }
  expect(bed.seenResults).toHaveLength(3);
});
