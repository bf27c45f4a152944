import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel } from '../../src/contract/channels';
import { type Command, TestBed } from './harness';
import { metricSum, probe } from './lifecycle-bed.ts';

const OPERATION = { whatsapp: 'text', messenger: 'text', instagram: 'text', telegram: 'template' } as const;

/** A command with a key of its own. */
function command(channel: Channel, workspace: string = 'w-1', recipient: string = randomUUID()): Command {
  const type = OPERATION[channel];
  const request = { contact: { id: recipient }, workspace: { id: workspace }, textMessage: 'hello' };
  const value = { id: randomUUID(), type, request: type === 'template' ? { ...request, buttons: [{}] } : request };
  return { channel, key: recipient, value };
}

const commands = (count: number, channel: Channel, workspace?: string): Command[] =>
  Array.from({ length: count }, () => command(channel, workspace));

describe('keys of the API', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'keys-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('if a key is refused, only its workspace waits; it goes on when the file of keys changes', async () => {
    const file = join(folder, 'keys.json');
    await writeFile(file, JSON.stringify({ 'w-2': 'withdrawn' }));
    await using bed = await TestBed.start({
      sandbox: { apiKeys: ['sandbox-key'], workspaceKeys: { 'w-2': 'second-key' } },
      settings: { MESSAGES_API_KEYS_FILE: file },
    });
    const waiting = await bed.produce(commands(30, 'whatsapp', 'w-2'));
    const served = await bed.produce(commands(30, 'whatsapp'));
    for (const place of served) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    const refusals = (): number => bed.sandbox.report().byStatus['401'] ?? 0;
    const atFirst = refusals();
    await bed.until(() => refusals() > atFirst, 'another probe of the key is refused');
    expect(bed.seenResults).toHaveLength(served.length);
    const warnings = bed.output.split('\n').filter((line) => line.includes('refuses the key'));
    expect(warnings).toHaveLength(1);
    expect(bed.output).not.toContain('withdrawn');

    // A mounted secret changes in this way: another file replaces the first.
    await writeFile(`${file}.new`, JSON.stringify({ 'w-2': 'second-key' }));
    await rename(`${file}.new`, file);
    for (const place of waiting) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    expect(bed.output).not.toContain('second-key');
  });

  it('a faulty file of keys changes no key, and an error says what the file must be', async () => {
    const file = join(folder, 'key');
    await writeFile(file, 'sandbox-key\n');
    await using bed = await TestBed.start({ settings: { MESSAGES_API_KEY: '', MESSAGES_API_KEY_FILE: file } });
    await writeFile(file, 'not one key');
    await bed.until(() => bed.output.includes('MESSAGES_API_KEY_FILE: its content must be'), 'the error');
    const [place] = await bed.produce([command('whatsapp')]);
    expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
  });
});

describe('an API that is away or hangs', () => {
  it.each(['reset', 'refuse'] as const)(
    'an outage by %s halts reading, fails nothing, and ends by itself',
    async (mode) => {
      await using bed = await TestBed.start({
        sandbox: { latencyMs: 20 },
        settings: {
          MAX_IN_FLIGHT: '50',
          RETRY_BASE_DELAY_MS: '20',
          LOG_LEVEL: 'warn',
        },
      });
      const before = await bed.produce(commands(20, 'whatsapp'));
      await bed.results(before.length);
      await bed.sandbox.setBehaviour({ outage: { mode } });
      const during = await bed.produce(commands(400, 'whatsapp'));
      let ready = await probe(bed.service, '/readyz');
      await bed.until(async () => {
        ready = await probe(bed.service, '/readyz');
        return ready.body.includes('"haltedBy":["api"]');
      }, 'reading halts');
      expect(ready.code).toBe(200);
      expect(metricSum(await bed.service.metrics(), 'messages_dispatcher_circuit_open')).toBe(1);
      expect(bed.seenResults).toHaveLength(before.length);

      await bed.sandbox.setBehaviour({ outage: null });
      for (const place of during) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
      expect(bed.seenResults).toHaveLength(before.length + during.length);
      expect(bed.sandbox.report()).toMatchObject({ duplicates: 0, orderViolations: 0, overlaps: 0 });
      expect(bed.sandbox.report().maxConcurrent).toBeLessThanOrEqual(50);
      await bed.untilCommitted();
    },
  );

  it('if calls of one channel hang, the other channels go on', async () => {
    await using bed = await TestBed.start({
      channels: ['whatsapp', 'messenger', 'telegram'],
      sandbox: { faultRules: [{ match: { channel: 'telegram' }, fault: 'hang' }] },
      settings: { MAX_IN_FLIGHT: '24', MESSAGES_API_TIMEOUT_MS: '600000', LOG_LEVEL: 'warn' },
    });
    await bed.produce(commands(300, 'telegram'));
    await bed.until(() => bed.sandbox.report().calls > 0, 'calls hang');
    const others = [...commands(300, 'whatsapp'), ...commands(300, 'messenger')];
    await bed.produce(others);
    await bed.results(others.length);
    expect(bed.seenResults.filter(({ result }) => result.channel === 'telegram')).toEqual([]);
    // Otherwise the hanging calls would delay the drain.
    await bed.killService();
  });
});
