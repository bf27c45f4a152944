import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from '../../src/contract/channels';
import { type Command, startSandboxProcess, TestBed } from './harness';

jest.setTimeout(90_000);

const OPERATION = { whatsapp: 'text', messenger: 'text', instagram: 'text', telegram: 'template' } as const;

/** A command of its own key. */
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

  it('a workspace whose key is refused waits alone, and goes on when the file of keys changes, without a restart', async () => {
    const file = join(folder, 'keys.json');
    await writeFile(file, JSON.stringify({ 'w-2': 'withdrawn' }));
    await using bed = await TestBed.start({
      sandbox: { apiKeys: ['sandbox-key'], workspaceKeys: { 'w-2': 'second-key' } },
      settings: { MESSAGES_API_KEYS_FILE: file },
    });
    const waiting = await bed.produce(commands(30, 'whatsapp', 'w-2'));
    const served = await bed.produce(commands(30, 'whatsapp'));
    for (const place of served) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    await sleep(2_500);
    expect(bed.seenResults).toHaveLength(served.length);
    const warnings = bed.output.split('\n').filter((line) => line.includes('refuses the key'));
    expect(warnings).toHaveLength(1);
    expect(bed.output).not.toContain('withdrawn');

    // As a mounted secret changes: another file takes the place of the first.
    await writeFile(`${file}.new`, JSON.stringify({ 'w-2': 'second-key' }));
    await rename(`${file}.new`, file);
    for (const place of waiting) expect((await bed.resultOf(place, 6_000)).result.outcome).toBe('accepted');
    expect(bed.output).not.toContain('second-key');
  });

  it('a file of keys that cannot be used leaves the keys as they were, with an error that says what it must be', async () => {
    const file = join(folder, 'key');
    await writeFile(file, 'sandbox-key\n');
    await using bed = await TestBed.start({ settings: { MESSAGES_API_KEY: '', MESSAGES_API_KEY_FILE: file } });
    await writeFile(file, 'not one key');
    await bed.until(() => bed.output.includes('MESSAGES_API_KEY_FILE: its content must be'), 'the error', 5_000);
    const [place] = await bed.produce([command('whatsapp')]);
    expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
  });
});

describe('an API that is away or hangs', () => {
  it('an outage fails nothing, ends by itself, and the limits are kept while the service catches up', async () => {
    const sandbox = await startSandboxProcess({
      latencyMs: 20,
      rateLimits: { perChannel: { ratePerSecond: 200, burst: 10, slackMs: 25 } },
      outage: { mode: 'reset' },
    });
    await using bed = await TestBed.start({
      settings: {
        MESSAGES_API_URL: sandbox.url,
        RATE_LIMIT_WHATSAPP: '200/s burst 10',
        RETRY_BASE_DELAY_MS: '20',
        LOG_LEVEL: 'warn',
      },
    });
    const places = await bed.produce(commands(600, 'whatsapp'));
    await bed.until(() => bed.output.includes('the Messages API fails'), 'the circuit opens');
    await sleep(6_000);
    expect(bed.seenResults).toEqual([]);
    const recoveredMs = performance.now();
    await sandbox.configure({ outage: null });
    await bed.results(1, 8_000);
    // A probe every 5 s, and what the probe itself takes.
    expect(performance.now() - recoveredMs).toBeLessThan(6_000);
    await bed.results(places.length);
    expect(bed.seenResults.filter(({ result }) => result.outcome !== 'accepted')).toEqual([]);
    expect(await sandbox.report()).toMatchObject({ accepted: places.length, limited: 0 });
    await bed.untilCommitted();
  });

  it('a third of the calls that hang until their deadline leave the rest at least 60 % of their throughput', async () => {
    const channels = ['whatsapp', 'messenger', 'telegram'] as const;
    await using bed = await TestBed.start({
      channels,
      sandbox: { latencyMs: 50, recordCalls: false },
      settings: { MAX_IN_FLIGHT: '48', MESSAGES_API_TIMEOUT_MS: '10000', LOG_LEVEL: 'warn' },
    });
    const rest = (): number => bed.seenResults.filter(({ result }) => result.channel !== 'telegram').length;
    const throughput = async (ms: number): Promise<number> => {
      const before = rest();
      const startMs = performance.now();
      await sleep(ms);
      return ((rest() - before) * 1_000) / (performance.now() - startMs);
    };
    for (const channel of channels) await bed.produce(commands(3_000, channel));
    await bed.results(500);
    const healthy = await throughput(2_000);
    await bed.sandbox.setBehaviour({ faultRules: [{ match: { channel: 'telegram' }, fault: 'hang' }] });
    await sleep(500);
    const meanwhile = await throughput(2_500);
    expect(meanwhile).toBeGreaterThan(healthy * 0.6);
    await bed.sandbox.setBehaviour({ faultRules: [] });
    await bed.stopService();
  });
});
