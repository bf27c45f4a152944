import { spawn } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { IHeaders, KafkaMessage, Producer } from 'kafkajs';
import { readAll, recordCount, TopicReader } from '../../tools/lib/reading.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { TestBed } from './harness';

const ROOT = resolve(__dirname, '../..');
const SECRET_TEXT = 'Your parcel is at the corner shop';
const PHONE = '+4915112345678';

/** A run of the command line. */
class Cli {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  readonly #child;

  constructor(bed: TestBed, args: readonly string[], own: NodeJS.ProcessEnv = {}) {
    const { KAFKA_BROKERS, KAFKA_GROUP_ID, TOPIC_PREFIX } = bed.settings();
    const env = { PATH: process.env['PATH'], KAFKA_BROKERS, KAFKA_GROUP_ID, TOPIC_PREFIX, ...own };
    this.#child = spawn(process.execPath, ['dist/cli.js', 'dead-letters', ...args], { cwd: ROOT, env });
    this.#child.stdout.on('data', (bytes) => (this.stdout += String(bytes)));
    this.#child.stderr.on('data', (bytes) => (this.stderr += String(bytes)));
    this.ended = new Promise((end) => this.#child.once('close', (code) => end(code)));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get all(): string {
    return this.stdout + this.stderr;
  }
}

/** A dead letter that the test writes by hand, as the contract describes it. */
interface Letter {
  readonly id: string;
  readonly partition?: number;
  readonly outcome?: string;
  readonly error?: string;
  readonly channel?: string;
  readonly workspace?: string;
  readonly topic?: string;
  readonly originalPartition?: number;
  readonly own?: IHeaders;
  readonly truncated?: boolean;
  readonly timestampMs?: number;
}

async function bedOfLetters(letters: readonly Letter[]): Promise<TestBed> {
  const bed = await TestBed.start({ service: false, channels: ['whatsapp', 'telegram'] });
  await bed.admin.createPartitions({ topicPartitions: [{ topic: bed.topics.deadLetters, count: 3 }] });
  await write(bed, letters);
  return bed;
}

async function write(bed: TestBed, letters: readonly Letter[]): Promise<void> {
  if (letters.length === 0) return;
  const producer = bed.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  // One request per partition. If a new partition refuses its part, kafkajs repeats the whole request. It also drops
  // records for a partition that it does not know yet.
  for (const ofPartition of Map.groupBy(letters, ({ partition = 0 }) => partition).values()) {
    const messages = ofPartition.map((letter) => toMessage(bed, letter));
    await bed.until(async () => {
      const written = await producer.send({ topic: bed.topics.deadLetters, messages });
      if (written.length === 0) await reconnect(producer);
      return written.length > 0;
    }, 'the partition is known');
  }
  await producer.disconnect();
}

async function reconnect(producer: Producer): Promise<void> {
  await producer.disconnect();
  await producer.connect();
}

function toMessage(bed: TestBed, letter: Letter) {
  const { id, channel = 'whatsapp', workspace = 'w-1', outcome = 'failed', error = 'the API was away' } = letter;
  const request = { recepient: { phoneNumber: PHONE }, workspace: { id: workspace }, textMessage: SECRET_TEXT };
  const isTruncated = letter.truncated === true;
  return {
    partition: letter.partition ?? 0,
    key: PHONE,
    value: isTruncated ? null : JSON.stringify({ id, type: 'text', request }),
    timestamp: String(letter.timestampMs ?? Date.now()),
    headers: {
      ...letter.own,
      'kafka_dlt-original-topic': letter.topic ?? `${bed.prefix}commands.${channel}`,
      'kafka_dlt-original-partition': String(letter.originalPartition ?? 1),
      'kafka_dlt-original-offset': '7',
      'kafka_dlt-original-timestamp': '1700000000000',
      outcome,
      error,
      attempts: '5',
      ...(isTruncated && { 'kafka_dlt-truncated': 'true' }),
    },
  };
}

async function run(bed: TestBed, ...args: string[]): Promise<Cli & { readonly code: number | null }> {
  const cli = new Cli(bed, args);
  return Object.assign(cli, { code: await cli.ended });
}

/** A record that tells `redriven` where to stop on a partition. */
const END = 'the end of what was redriven';

/** The redriven records, read as a consumer that sees only committed transactions. */
async function redriven(bed: TestBed): Promise<KafkaMessage[]> {
  const topic = bed.commandTopic();
  const ends = Array.from({ length: bed.partitions }, (_, partition) => ({ partition, key: END, value: null }));
  await bed.producer.send({ topic, acks: -1, messages: ends });
  const messages: KafkaMessage[] = [];
  const left = new Set(ends.map(({ partition }) => partition));
  const offsets = await bed.admin.fetchTopicOffsets(topic);
  const lasts = new Map(offsets.map(({ partition, high }) => [partition, Number(high) - 1]));
  await using _reader = await TopicReader.start(bed.kafka, topic, (message, partition) => {
    if (String(message.key) !== END) messages.push(message);
    if (Number(message.offset) === lasts.get(partition)) left.delete(partition);
  });
  await bed.until(() => left.size === 0, 'all is read');
  return messages;
}

function idsOf(messages: readonly KafkaMessage[]): string[] {
  return messages.map(({ value }) => (JSON.parse(String(value)) as { id: string }).id).toSorted();
}

function many(count: number, from = 0): Letter[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `c-${String(from + at).padStart(4, '0')}`,
    partition: at % 3,
  }));
}

describe('looking at dead letters', () => {
  const minutesAgo = (minutes: number): number => Date.now() - minutes * 60_000;
  let bed: TestBed;

  beforeAll(async () => {
    bed = await bedOfLetters([
      { id: 'new', partition: 0, timestampMs: minutesAgo(1), own: { campaign: 'spring', 'x-own': 'mine' } },
      { id: 'old', partition: 2, timestampMs: minutesAgo(600), channel: 'telegram', workspace: 'w-2' },
      { id: 'mid', partition: 0, timestampMs: minutesAgo(30), outcome: 'rejected', error: `${PHONE} has Blocked you` },
      { id: 'cut', partition: 2, timestampMs: minutesAgo(20), truncated: true, outcome: 'in-doubt' },
    ]);
  });

  it('list prints one line for each, the newest last, and does not wait for empty partitions', async () => {
    const { code, stdout } = await run(bed, 'list');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n').slice(1);
    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual(['2/0', '0/1', '2/1', '0/0']);
    expect(lines[0]).toMatch(/^2\/0 .* telegram +failed +5 +old +w-2 +the API was away$/);
    expect(lines[1]).toMatch(/ rejected +5 +mid +w-1 +\[redacted\] has Blocked you$/);
  });

  it.each([
    [['--channel', 'telegram'], ['old']],
    [
      ['--channel', 'telegram,whatsapp', '--workspace', 'w-1'],
      ['mid', 'new'],
    ],
    [
      ['--outcome', 'failed', '--outcome', 'in-doubt'],
      ['old', null, 'new'],
    ],
    [['--error', 'has BLOCKED'], ['mid']],
    [['--since', '2h', '--until', '25m'], ['mid']],
    [['--campaign', 'spring'], ['new']],
    [['--command-id', 'old'], ['old']],
  ])('list %j leaves the others out', async (filter, ids) => {
    const { stdout } = await run(bed, 'list', '--json', ...filter);
    const found = stdout.split('\n').filter(Boolean);
    expect(found.map((line) => (JSON.parse(line) as { commandId: string | null }).commandId)).toEqual(ids);
  });

  it('count prints a table by channel and outcome, and a total', async () => {
    const { stdout } = await run(bed, 'count');
    expect(stdout).toMatch(/^whatsapp +rejected +1$/m);
    expect(stdout).toMatch(/^total +4$/m);
    const { stdout: json } = await run(bed, 'count', '--json', '--channel', 'telegram');
    expect(JSON.parse(json)).toEqual({ total: 1, counts: [{ channel: 'telegram', outcome: 'failed', count: 1 }] });
  });

  it('show prints everything about one, with content only if asked', async () => {
    const redacted = await run(bed, 'show', '0/0');
    expect(redacted.stdout).toMatch(/^original +\S+commands\.whatsapp\/1\/7$/m);
    expect(redacted.stdout).toMatch(/^ {2}x-own: \[redacted\]$/m);
    expect(redacted.all).not.toContain(SECRET_TEXT);
    expect(redacted.all).not.toContain(PHONE);
    const open = await run(bed, 'show', '0/0', '--show-content');
    expect(open.stdout).toContain(SECRET_TEXT);
    expect(open.stdout).toMatch(/^ {2}x-own: mine$/m);
  });

  it('show of a place without a letter fails and says which places there are', async () => {
    expect(await run(bed, 'show', '0/9')).toMatchObject({ code: 1, stderr: expect.stringMatching(/0\/9 .*0 to 1/) });
    expect(await run(bed, 'show', '7/0')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no such partition/),
    });
  });

  it('export prints one object for each, with bytes only if asked', async () => {
    const plain = await run(bed, 'export');
    expect(plain.stdout.trimEnd().split('\n')).toHaveLength(4);
    for (const hidden of [SECRET_TEXT, PHONE, 'mine', Buffer.from(PHONE).toString('base64')]) {
      expect(plain.stdout).not.toContain(hidden);
    }
    const file = join(tmpdir(), `${bed.group}.ndjson`);
    try {
      expect(await run(bed, 'export', '--output', file, '--show-content', '--command-id', 'new')).toMatchObject({
        code: 0,
      });
      const exported = JSON.parse(await readFile(file, 'utf8')) as { key: string; value: string };
      expect(Buffer.from(exported.key, 'base64').toString()).toBe(PHONE);
      expect(Buffer.from(exported.value, 'base64').toString()).toContain(SECRET_TEXT);
      expect((await stat(file)).mode & 0o077).toBe(0);
    } finally {
      await rm(file, { force: true });
    }
  });

  it.each([
    [['list', '--since', 'yesterday'], /--since .*ISO 8601/],
    [['list', '--outcome', 'accepted'], /--outcome .*rejected/],
    [['show', 'twelve'], /0\/12/],
    [['redrive', '--rate', '0'], /--rate .*80\/s/],
    [['explode'], /unknown command/],
  ])('%j is refused with 2, and what it must be', async (args, says) => {
    expect(await run(bed, ...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(says) });
  });

  it('a missing setting exits 2, a missing topic exits 1, each with one line', async () => {
    const unset = new Cli(bed, ['count'], { KAFKA_BROKERS: '' });
    expect(await unset.ended).toBe(2);
    expect(unset.stderr).toMatch(/^KAFKA_BROKERS: must be set.*\n$/);
    const nowhere = new Cli(bed, ['count'], { TOPIC_PREFIX: 'nowhere.' });
    expect(await nowhere.ended).toBe(1);
    expect(nowhere.stderr).toMatch(/^there is no topic nowhere\.dead-letters: .*TOPIC_PREFIX\n$/);
  });

  it('reads past markers of transactions and past aborted records, also at the end', async () => {
    const topic = bed.topics.deadLetters;
    const producer = bed.kafka.producer({ transactionalId: `${bed.group}-gaps`, maxInFlightRequests: 1 });
    await producer.connect();
    for (const keep of [false, true, false]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [toMessage(bed, { id: keep ? 'kept' : 'taken-back', partition: 1 })] });
      await (keep ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    const { stdout, code } = await run(bed, 'count', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ total: 5 });
  });
});

describe('redriving', () => {
  it('writes the original record to its topic and partition once, with one more header', async () => {
    await using bed = await bedOfLetters([
      { id: 'again', own: { traceparent: '00-aa', 'x-own': 'mine', redrive: '9/9' } },
      { id: 'lost', truncated: true },
      { id: 'foreign', topic: 'somebody.elses' },
      { id: 'nowhere', originalPartition: 64 },
    ]);
    const dry = await run(bed, 'redrive', '--dry-run');
    expect(dry.stdout).toMatch(/^1 would be redriven$/m);
    expect(await recordCount(bed.admin, bed.commandTopic())).toBe(0);

    const first = await run(bed, 'redrive');
    expect(first).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(/^1 of 1 redriven$/m);
    expect(first.stdout).toMatch(/^1 truncated, .*: 0\/1$/m);
    expect(first.stdout).toMatch(/^1 not from a command topic .*: 0\/2$/m);
    expect(first.stdout).toMatch(/^1 from a topic or partition that does not exist.*: 0\/3$/m);
    const [letter] = await readAll(bed.kafka, bed.topics.deadLetters, 1, AbortSignal.timeout(DEADLINE_MS));
    const [record, ...rest] = await redriven(bed);
    expect(rest).toEqual([]);
    expect(record).toMatchObject({ key: letter?.key, value: letter?.value });
    const headers = Object.entries(record?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    const redrive = `${bed.commandTopic()}/1/7`;
    expect(Object.fromEntries(headers)).toEqual({ traceparent: '00-aa', 'x-own': 'mine', redrive });
    const offsets = await bed.admin.fetchTopicOffsets(bed.commandTopic());
    expect(Number(offsets.find(({ partition }) => partition === 1)?.high)).toBeGreaterThan(0);

    const second = await run(bed, 'redrive');
    expect(second.stdout).toMatch(/^0 of 0 redriven$/m);
    expect(second.stdout).toMatch(/^1 already redriven$/m);
    expect(await redriven(bed)).toHaveLength(1);
  });

  it('remembers each letter separately, also if filters and limits skip some between them', async () => {
    await using bed = await bedOfLetters(many(90).map((each, at) => ({ ...each, workspace: `w-${at % 5}` })));
    expect((await run(bed, 'redrive', '--workspace', 'w-3')).stdout).toMatch(/^18 of 18 redriven$/m);
    expect((await run(bed, 'redrive', '--limit', '7')).stdout).toMatch(/^7 of 7 redriven$/m);
    expect((await run(bed, 'redrive', '--workspace', 'w-3')).stdout).toMatch(/^0 of 0 redriven$/m);
    await write(bed, many(9, 90));
    const rest = await run(bed, 'redrive');
    expect(rest.stdout).toMatch(/^74 of 74 redriven\n25 already redriven$/m);
    expect(idsOf(await redriven(bed))).toEqual(many(99).map(({ id }) => id));
  });

  it('keeps its rate, and after SIGKILL or Ctrl-C goes on where it was', async () => {
    await using bed = await bedOfLetters(many(120));
    // With these rates only the burst is redriven, however long it takes.
    const killed = new Cli(bed, ['redrive', '--rate', '1/1h burst 60']);
    await untilRedriven(bed, 10);
    killed.kill('SIGKILL');
    await killed.ended;

    const interrupted = new Cli(bed, ['redrive', '--rate', '1/1h burst 6']);
    const before = await recordCount(bed.admin, bed.commandTopic());
    await untilRedriven(bed, before + 6);
    interrupted.kill('SIGINT');
    expect(await interrupted.ended).toBe(130);
    expect(interrupted.stdout).toMatch(/^6 of \d+ redriven: interrupted/m);

    const last = await run(bed, 'redrive');
    expect(last).toMatchObject({ code: 0, stdout: expect.stringMatching(/already redriven/) });
    expect(idsOf(await redriven(bed))).toEqual(many(120).map(({ id }) => id));
  });

  it('if two run at once, the later one wins and nothing is sent twice', async () => {
    await using bed = await bedOfLetters(many(100));
    // This one alone would take minutes.
    const earlier = new Cli(bed, ['redrive', '--rate', '1/s burst 5']);
    await untilRedriven(bed, 5);
    const later = await run(bed, 'redrive');
    expect(later).toMatchObject({ code: 0 });
    expect(await earlier.ended).toBe(1);
    expect(earlier.stderr).toMatch(/of 100 redriven: stopped, since another redrive/);
    expect(idsOf(await redriven(bed))).toEqual(many(100).map(({ id }) => id));
  });

  it('names letters that have become too large for their topic, and redrives the others', async () => {
    await using bed = await bedOfLetters([{ id: 'a' }, { id: 'large', own: { pad: 'x'.repeat(4_000) } }, { id: 'b' }]);
    const topic = { type: 2, name: bed.commandTopic(), configEntries: [{ name: 'max.message.bytes', value: '2000' }] };
    await bed.admin.alterConfigs({ validateOnly: false, resources: [topic] });
    const { code, stdout } = await run(bed, 'redrive');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 of 3 redriven$/m);
    expect(stdout).toMatch(/^1 too large for their topic.*: 0\/1$/m);
    expect(idsOf(await redriven(bed))).toEqual(['a', 'b']);
  });

  it('brings a command back to the real service', async () => {
    await using bed = await TestBed.start();
    const [place] = await bed.produce([
      { key: 'k', value: { id: 'bad', type: 'text' }, headers: { campaign: 'spring' } },
    ]);
    await bed.deadLetterOf(place);
    const listed = await run(bed, 'list', '--json', '--campaign', 'spring');
    expect(JSON.parse(listed.stdout)).toMatchObject({ commandId: 'bad', outcome: 'invalid', channel: 'whatsapp' });
    expect(await run(bed, 'redrive')).toMatchObject({ code: 0 });
    const letters = await bed.deadLetters(2);
    expect(letters[1]?.headers).toMatchObject({
      campaign: 'spring',
      redrive: `${place.topic}/${place.partition}/${place.offset}`,
      outcome: 'invalid',
    });
    expect(letters[1]?.value).toEqual(letters[0]?.value);
  });
});

async function untilRedriven(bed: TestBed, count: number): Promise<void> {
  // A new topic may have no leader yet.
  const seen = (): Promise<number> => recordCount(bed.admin, bed.commandTopic()).catch(() => 0);
  await bed.until(async () => (await seen()) >= count, `${count} records in ${bed.commandTopic()}`);
}
