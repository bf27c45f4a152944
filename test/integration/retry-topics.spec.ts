import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { ConfigResourceTypes } from 'kafkajs';
import { recordCount } from '../../tools/lib/reading.ts';
import { type Command, TestBed } from './harness';
import { probe } from './lifecycle-bed.ts';

const FIXTURES = join(__dirname, '..', 'messages-api', 'fixtures');
const CERTIFICATE = join(FIXTURES, 'localhost.cert.pem');

const FOR_EVER_MS = '9223372036854775807';

/** A broker refuses records that are older: of 0 ms all but those that arrive within their own millisecond. */
async function refuseOlderThan(bed: TestBed, topic: string, ageMs: string): Promise<void> {
  const configEntries = [
    { name: 'message.timestamp.type', value: 'CreateTime' },
    { name: 'message.timestamp.before.max.ms', value: ageMs },
  ];
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await bed.admin.alterConfigs({ validateOnly: false, resources });
}

const text = (recipient: string, id: string = randomUUID()): Command & { readonly id: string } => ({
  id,
  key: recipient,
  value: {
    id,
    type: 'text',
    request: { contact: { id: recipient }, workspace: { id: 'w-1' }, textMessage: 'hello' },
  },
});

/**
 * An API over TLS that ends the first connections during the handshake. So the commands that wait for them were surely
 * not sent.
 */
class ApiThatComesLater implements AsyncDisposable {
  readonly #sockets = new Set<{ destroy: () => void }>();
  readonly #tls = createTlsServer(
    { key: readFileSync(join(FIXTURES, 'localhost.key.pem')), cert: readFileSync(CERTIFICATE) },
    (client) => this.#forward(client),
  );
  readonly #server = createServer((socket) => {
    this.#sockets.add(socket.on('error', () => undefined));
    if (this.#away-- > 0) socket.destroy();
    else this.#tls.emit('connection', socket);
  });
  readonly #target: URL;
  #away: number;

  private constructor(target: URL, away: number) {
    this.#target = target;
    this.#away = away;
  }

  static async start(target: string, away: number): Promise<ApiThatComesLater> {
    const api = new ApiThatComesLater(new URL(target), away);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get settings(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { MESSAGES_API_URL: `https://localhost:${port}`, NODE_EXTRA_CA_CERTS: CERTIFICATE };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #forward(client: TLSSocket): void {
    const upstream = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, upstream]) this.#sockets.add(socket.on('error', () => undefined));
    client.pipe(upstream).pipe(client);
  }
}

describe('retry topics', () => {
  it('carry a command that was not sent from round to round; its result counts the calls of all rounds', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '50ms,100ms' });
    await using api = await ApiThatComesLater.start(bed.sandbox.url, 2);
    await bed.startService({ ...api.settings, RETRY_MAX_ATTEMPTS: '1' });
    const [place] = await bed.produce([{ ...text('a'), key: null, headers: { campaign: 'spring' } }]);
    const { result, key } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'accepted', attempts: 3, source: place });
    expect(key).toBe(result.commandId);
    for (const delay of ['50ms', '100ms']) {
      expect(await recordCount(bed.admin, bed.topics.retry('whatsapp', delay))).toBe(1);
    }
    expect(await bed.stopService()).toBe(0);
    expect(await recordCount(bed.admin, bed.topics.results)).toBe(1);
    expect(bed.sandbox.report().calls).toBe(1);
  });

  it('end in a dead letter after the last round, with the bytes, key and headers of the command', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '50ms' });
    await using api = await ApiThatComesLater.start(bed.sandbox.url, Infinity);
    await bed.startService({ ...api.settings, RETRY_MAX_ATTEMPTS: '2', RETRY_BASE_DELAY_MS: '1' });
    const command = text('b');
    const [place] = await bed.produce([{ ...command, headers: { campaign: 'spring' } }]);
    const { result } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'failed', attempts: 4, httpStatus: null, source: place });
    const letter = await bed.deadLetterOf(place);
    expect([letter.key, letter.value?.toString()]).toEqual(['b', JSON.stringify(command.value)]);
    expect(letter.headers).toMatchObject({ campaign: 'spring', outcome: 'failed', attempts: '4' });
    expect(Object.keys(letter.headers).filter((name) => name.startsWith('retry-'))).toEqual([]);
  });

  it('hold up nothing but their own commands if they cannot be written', async () => {
    await using bed = await TestBed.start({ service: false, channels: ['whatsapp', 'telegram'], retryDelays: '50ms' });
    await using api = await ApiThatComesLater.start(bed.sandbox.url, 1);
    const retryTopic = bed.topics.retry('whatsapp', '50ms');
    await refuseOlderThan(bed, retryTopic, '0');
    await bed.startService({ ...api.settings, RETRY_MAX_ATTEMPTS: '1' });
    const [parked] = await bed.produce([text('parked')]);
    const isSaid = async (): Promise<boolean> =>
      (await probe(bed.service, '/readyz')).body.includes(`"unwritable":["${retryTopic}"]`);
    await bed.until(isSaid, 'the probe names the topic');

    const others = await bed.produce(Array.from({ length: 20 }, (_, n) => text(`other-${n}`)));
    for (const place of others) expect((await bed.resultOf(place)).result.outcome).toBe('accepted');
    await refuseOlderThan(bed, retryTopic, FOR_EVER_MS);
    expect((await bed.resultOf(parked)).result).toMatchObject({ outcome: 'accepted', attempts: 2 });
  });

  it('keep expiresAt: a command that expires on the way is not sent', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '1500ms' });
    await using api = await ApiThatComesLater.start(bed.sandbox.url, 1);
    await bed.startService({ ...api.settings, RETRY_MAX_ATTEMPTS: '1' });
    const { value } = text('c');
    const expiresAt = new Date(Date.now() + 1_000).toISOString();
    const [place] = await bed.produce([{ key: 'c', value: { ...(value as object), expiresAt } }]);
    expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'expired' });
    expect(bed.sandbox.report().calls).toBe(0);
  });
});
