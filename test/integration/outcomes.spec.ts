import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request } from 'undici';
import type { FaultRule } from '../../sandbox/behaviour.ts';
import type { FaultName } from '../../sandbox/fault-table.ts';
import { ALL_CHANNELS, keyOf, SAMPLE_OPERATIONS, type Recipient } from '../../tools/lib/operations.ts';
import { TestBed, type Command } from './harness';

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server in front of the sandbox. It remembers requests byte for byte. */
class Recorder {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;

  private constructor(target: () => string) {
    this.#server = createServer((incoming, outgoing) => {
      void buffer(incoming).then(async (body) => {
        const { method = '', url: path = '', headers } = incoming;
        this.seen.push({ method, path, headers, body: body.toString() });
        const { 'x-api-key': apiKey, 'content-type': type, 'idempotency-key': key } = headers;
        const forwarded = { 'x-api-key': String(apiKey), 'content-type': String(type), 'idempotency-key': String(key) };
        const answer = await request(target() + path, { method: 'POST', headers: forwarded, body });
        outgoing.writeHead(answer.statusCode, { 'content-type': 'application/json' });
        outgoing.end(await answer.body.text());
      });
    });
  }

  static async start(target: () => string): Promise<Recorder> {
    const recorder = new Recorder(target);
    recorder.#server.listen(0, '127.0.0.1');
    await once(recorder.#server, 'listening');
    return recorder;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a valid command', () => {
  const to: Recipient = { contact: 'c-1' };
  let bed: TestBed;
  let recorder: Recorder;

  beforeAll(async () => {
    recorder = await Recorder.start(() => bed.sandbox.url);
    bed = await TestBed.start({ channels: ALL_CHANNELS, service: false });
    await bed.startService({ MESSAGES_API_URL: recorder.url });
  });

  afterAll(() => recorder.stop());

  it.each(SAMPLE_OPERATIONS)('is sent unchanged and accepted: $channel $type', async (operation) => {
    const { channel, type, path } = operation;
    const id = `op-${channel}-${type}`;
    const body = operation.request(to, 'w-1', 'Grüße, “you” \u{1f600}');
    const headers = { traceparent: TRACEPARENT, tracestate: 'v=1', kafka_correlationId: 'corr-1', other: 'x' };
    const sentAtMs = Date.now();
    const [place] = await bed.produce([
      { channel, key: keyOf(to), headers, value: { id, type, request: body, extra: 1 } },
    ]);
    const written = await bed.resultOf(place);

    expect(written.result).toEqual({
      commandId: id,
      outcome: 'accepted',
      id: expect.stringMatching(/^msg_\d+$/),
      status: 'queued',
      error: '',
      channel,
      type,
      workspaceId: 'w-1',
      attempts: 1,
      httpStatus: 200,
      completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      source: place,
    });
    expect(Date.parse(written.result.completedAt)).toBeGreaterThanOrEqual(sentAtMs);
    expect(written.key).toBe('c-1');
    expect(written.headers).toEqual({
      'command-id': id,
      outcome: 'accepted',
      'content-type': 'application/json',
      traceparent: TRACEPARENT,
      tracestate: 'v=1',
      kafka_correlationId: 'corr-1',
    });
    const seen = recorder.seen.filter(({ headers }) => headers['idempotency-key'] === id);
    expect(seen).toEqual([expect.objectContaining({ method: 'POST', path, body: JSON.stringify(body) })]);
    expect(seen[0]?.headers).toMatchObject({ 'x-api-key': 'sandbox-key', 'content-type': 'application/json' });
    expect(bed.sandbox.accepted(id)).toBe(1);
    expect(bed.hasDeadLetter(place)).toBe(false);
  });

  it('gives its id as key to the result if it has no key itself', async () => {
    const value = { id: 'keyless', type: 'text', request: textTo('c-2') };
    const [place] = await bed.produce([{ channel: 'whatsapp', value }]);
    expect((await bed.resultOf(place)).key).toBe('keyless');
  });

  it('on the bulk lane has its own topic as source in the result', async () => {
    const value = { id: 'bulk', type: 'text', request: textTo('c-3') };
    const [place] = await bed.produce([{ channel: 'messenger', lane: 'bulk', key: 'c-3', value }]);
    const { result } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'accepted', source: { topic: `${bed.prefix}commands.messenger.bulk` } });
  });
});

describe('every outcome', () => {
  let bed: TestBed;

  beforeAll(async () => {
    const rules: [string, FaultName][] = [
      ['reject422', 'reject422'],
      ['reject200', 'reject200'],
      ['redirect', 'redirect'],
      ['broken', 'status500'],
      ['html', 'html200'],
      ['truncated', 'truncated200'],
      ['huge', 'huge200'],
    ];
    const faultRules = rules.map(([keyPrefix, fault]): FaultRule => ({ match: { keyPrefix }, fault }));
    const settings = { RETRY_BASE_DELAY_MS: '10', RETRY_MAX_ATTEMPTS: '3' };
    bed = await TestBed.start({ sandbox: { faultRules }, settings });
  });

  const html = /body is no JSON object/;
  it.each([
    { id: 'reject422', outcome: 'rejected', httpStatus: 422, attempts: 1, error: /opted out/, status: 'failed' },
    { id: 'reject200', outcome: 'rejected', httpStatus: 200, attempts: 1, error: /opted out/, status: 'failed' },
    { id: 'redirect', outcome: 'rejected', httpStatus: 302, attempts: 1, error: /HTTP 302/, status: '' },
    { id: 'broken', outcome: 'failed', httpStatus: 500, attempts: 3, error: /simulated 500/, status: '' },
    { id: 'html', outcome: 'in-doubt', httpStatus: 200, attempts: 1, error: html, status: '' },
    { id: 'truncated', outcome: 'in-doubt', httpStatus: 200, attempts: 1, error: /cut off/, status: '' },
    { id: 'huge', outcome: 'in-doubt', httpStatus: 200, attempts: 1, error: /too large/, status: '' },
  ])('$id: the command ends $outcome, with a dead letter of its own bytes', async ({ id, error, ...expected }) => {
    const value = `  ${JSON.stringify({ id, type: 'text', request: textTo(id) })}\n`;
    const [place] = await bed.produce([{ key: id, value, headers: { own: 'header', outcome: 'forged' } }]);
    const { result, headers } = await bed.resultOf(place);
    expect(result).toMatchObject({
      ...expected,
      commandId: id,
      id: '',
      error: expect.stringMatching(error),
      source: place,
    });
    expect(headers).toEqual({ 'command-id': id, outcome: expected.outcome, 'content-type': 'application/json' });
    await expectDeadLetter(bed, place, { key: id, value, headers: { own: 'header' } });
  });

  it('a command that is no longer wanted expires without a call, and without a dead letter', async () => {
    const value = { id: 'late', type: 'text', request: textTo('late'), expiresAt: '2020-01-01T00:00:00+01:00' };
    const [place] = await bed.produce([{ key: 'late', value }]);
    expect((await bed.resultOf(place)).result).toMatchObject({
      commandId: 'late',
      outcome: 'expired',
      id: '',
      status: '',
      attempts: 0,
      httpStatus: null,
      workspaceId: 'w-1',
    });
    await bed.untilCommitted();
    expect(bed.hasDeadLetter(place)).toBe(false);
    expect(bed.sandbox.calls().filter(({ key }) => key === 'late')).toEqual([]);
  });

  it('the error of an invalid command names each broken field; it is never sent, and has a dead letter', async () => {
    const request = { workspace: {}, contact: { id: '' }, textMessage: ' ', more: 1 };
    const value = JSON.stringify({ id: 'broken-fields', type: 'text', request });
    const [place] = await bed.produce([{ key: 'k', value }]);
    const { result } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'invalid', commandId: 'broken-fields', type: 'text', workspaceId: null });
    expect(result).toMatchObject({ attempts: 0, httpStatus: null, id: '', status: '' });
    for (const path of ['workspace.id', 'contact.id', 'textMessage', 'more']) {
      expect(result.error).toContain(`request.${path}: `);
    }
    await expectDeadLetter(bed, place, { key: 'k', value });
    expect(bed.sandbox.calls().filter(({ key }) => key === 'broken-fields')).toEqual([]);
  });

  it('if the API does not know the path, the command is rejected and the service goes on', async () => {
    const elsewhere = await TestBed.start({ service: false });
    await elsewhere.startService({ MESSAGES_API_URL: `${elsewhere.sandbox.url}/v9` });
    const value = JSON.stringify({ id: 'nowhere', type: 'text', request: textTo('n') });
    const [place] = await elsewhere.produce([{ key: 'n', value }]);
    const { result } = await elsewhere.resultOf(place);
    expect(result).toMatchObject({ outcome: 'rejected', httpStatus: 404, attempts: 1, error: 'no such endpoint' });
    await expectDeadLetter(elsewhere, place, { key: 'n', value });
  });

  it('without Redis a command that asks for at-most-once is invalid, with an error that says why', async () => {
    const value = JSON.stringify({ id: 'once', type: 'text', request: textTo('once'), delivery: 'at-most-once' });
    const [place] = await bed.produce([{ key: 'once', value }]);
    const { result } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'invalid', commandId: 'once', attempts: 0 });
    expect(result.error).toMatch(/^delivery: at-most-once needs a settled-command store/);
    await expectDeadLetter(bed, place, { key: 'once', value });
    expect(bed.sandbox.calls().filter(({ key }) => key === 'once')).toEqual([]);
  });

  it('every command is committed in the end', async () => {
    await expect(bed.untilCommitted()).resolves.toBeUndefined();
  });
});

function textTo(contact: string): Record<string, unknown> {
  return { contact: { id: contact }, workspace: { id: 'w-1' }, textMessage: 'Hello' };
}

/**
 * A dead letter has the command's own key, bytes and headers, and headers that say why it is there and where it came
 * from.
 */
async function expectDeadLetter(
  bed: TestBed,
  place: Parameters<TestBed['deadLetterOf']>[0],
  own: Command,
): Promise<void> {
  const { result } = await bed.resultOf(place);
  const letter = await bed.deadLetterOf(place);
  expect(letter.key).toBe(own.key);
  expect(letter.value?.toString()).toBe(own.value);
  expect(letter.headers).toEqual({
    ...own.headers,
    'kafka_dlt-original-topic': place.topic,
    'kafka_dlt-original-partition': String(place.partition),
    'kafka_dlt-original-offset': place.offset,
    'kafka_dlt-original-timestamp': expect.stringMatching(/^\d{13}$/),
    outcome: result.outcome,
    error: result.error,
    attempts: String(result.attempts),
  });
}
