import { TestBed, type Command } from './harness';

const MIB = 1024 * 1024;
const RAISED = { 'max.message.bytes': String(5 * MIB) };
const OWN_HEADERS = { own: 'header', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

/** Valid, whatever its size: unknown fields next to the known ones are ignored. */
function command(id: string, bytes = 0): Command & { readonly value: string } {
  const request = { contact: { id: 'c-1' }, workspace: { id: 'w-1' }, textMessage: 'Hello' };
  const value = JSON.stringify({ id, type: 'text', request, note: 'n'.repeat(bytes) });
  return { key: 'c-1', value, headers: OWN_HEADERS, partition: 0 };
}

const reject = { faultRules: [{ match: { keyPrefix: 'rejected' }, fault: 'reject422' }] } as const;

describe('a command of 4 MiB', () => {
  let bed: TestBed;

  beforeAll(async () => {
    bed = await TestBed.start({ topicConfigs: { commands: RAISED, deadLetters: RAISED }, sandbox: reject });
  });

  it.each([
    { outcome: 'accepted', large: command('accepted-large', 4 * MIB) },
    { outcome: 'rejected', large: command('rejected-large', 4 * MIB) },
    { outcome: 'invalid', large: { ...command('x'), value: `{"id":"invalid-large","type":"${'t'.repeat(4 * MIB)}"}` } },
    { outcome: 'invalid', large: { ...command('x'), value: 'no JSON '.repeat(MIB / 2) } },
  ])('that is $outcome settles like any other, and so do those behind it', async ({ outcome, large }) => {
    const id = `behind-${outcome}-${large.value.length}`;
    const [place] = await bed.produce([large]);
    const [behind] = await bed.produce([command(id)]);
    expect((await bed.resultOf(place)).result.outcome).toBe(outcome);
    expect((await bed.resultOf(behind)).result.outcome).toBe('accepted');
    await bed.untilCommitted();
    if (outcome === 'accepted') return;
    const letter = await bed.deadLetterOf(place);
    expect(letter.value?.toString() === large.value).toBe(true);
    expect(letter.headers).toMatchObject({ ...OWN_HEADERS, outcome });
  });
});

describe('a dead letter that its topic refuses as too large', () => {
  let bed: TestBed;

  beforeAll(async () => {
    bed = await TestBed.start({ topicConfigs: { commands: RAISED }, sandbox: reject });
  });

  it.each([
    { name: '4 MiB', large: command('rejected-4', 4 * MIB) },
    { name: 'a few bytes too many', large: command('rejected-1', 1_048_588 - 300) },
    { name: 'headers of 2 MiB', large: { ...command('rejected-h'), headers: { own: 'h'.repeat(2 * MIB) } } },
  ])('is written without value and own headers: $name', async ({ large }) => {
    const [before, place, behind] = await bed.produce([
      command(`rejected-before-${large.value.length}`),
      large,
      command('after'),
    ]);
    const { result } = await bed.resultOf(place);
    expect(result.outcome).toBe('rejected');
    const letter = await bed.deadLetterOf(place);
    expect(letter.key).toBe('c-1');
    expect(letter.value).toBeNull();
    expect(letter.headers).toEqual({
      'kafka_dlt-original-topic': place.topic,
      'kafka_dlt-original-partition': '0',
      'kafka_dlt-original-offset': place.offset,
      'kafka_dlt-original-timestamp': expect.stringMatching(/^\d{13}$/),
      'kafka_dlt-truncated': 'true',
      outcome: 'rejected',
      error: result.error,
      attempts: '1',
    });
    const small = await bed.deadLetterOf(before);
    expect(small.value).not.toBeNull();
    expect(small.headers['kafka_dlt-truncated']).toBeUndefined();
    expect((await bed.resultOf(behind)).result.outcome).toBe('accepted');
    await bed.untilCommitted();
  });
});

describe('a burst of settlements', () => {
  it('gives every record exactly one result, and every rejected one exactly one dead letter', async () => {
    const bed = await TestBed.start({ partitions: 4, sandbox: reject });
    const commands = Array.from({ length: 3_000 }, (_, at) => {
      const id = at % 3 === 0 ? `rejected-${at}` : `fine-${at}`;
      return { ...command(id, at % 101 === 0 ? 50_000 : 0), key: `k-${at}`, partition: at % 4 };
    });
    const places = await bed.produce(commands);
    await bed.results(3_000);
    await bed.deadLetters(1_000);
    await bed.untilCommitted();
    const sources = bed.seenResults.map(({ result: { source } }) => `${source.partition}/${source.offset}`);
    expect(sources.sort()).toEqual(places.map(({ partition, offset }) => `${partition}/${offset}`).sort());
    expect(bed.seenDeadLetters).toHaveLength(1_000);
    for (const { value, headers } of bed.seenDeadLetters) {
      const place = places.findIndex(
        ({ partition, offset }) =>
          `${partition}/${offset}` ===
          `${headers['kafka_dlt-original-partition']}/${headers['kafka_dlt-original-offset']}`,
      );
      expect(value?.toString() === commands[place]?.value).toBe(true);
    }
  });
});
