import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { TestBed, type Command } from './harness';

const SECRETS = {
  apiKey: 'planted-api-key',
  text: 'planted-text',
  phoneNumber: '4915199887766',
  contact: 'planted-contact',
  query: 'planted-query',
  headerValue: 'planted-header',
  field: 'planted-field',
  template: 'planted-template',
} as const;

/** An API that repeats what it was sent, wherever it can. Nothing worse could be logged. */
function echoingServer(): Server {
  return createServer((incoming, outgoing) => {
    void text(incoming).then((body) => {
      const key = String(incoming.headers['idempotency-key']);
      const said = { id: 'm', status: 'failed', error: `${body} ${String(incoming.headers['x-api-key'])}` };
      if (key.includes('reset')) outgoing.destroy();
      else if (key.includes('html')) outgoing.end(`<p>${body}</p>`);
      else if (key.includes('redirect'))
        outgoing.writeHead(302, { location: `http://127.0.0.1:9/?${encodeURIComponent(body)}` }).end();
      else if (key.includes('limited'))
        outgoing.writeHead(429, { 'retry-after': body.slice(0, 500).replace(/[^ -~]/g, '') }).end(JSON.stringify(said));
      else if (key.includes('rejected')) outgoing.writeHead(422).end(JSON.stringify(said));
      else if (key.includes('broken')) outgoing.writeHead(500).end(JSON.stringify(said));
      else outgoing.end('{"id":"m","status":"queued","error":""}');
    });
  });
}

const whatsApp = { recepient: { phoneNumber: `+${SECRETS.phoneNumber}` }, workspace: { id: 'w-1' } };
const REQUESTS: Readonly<Record<string, Record<string, unknown>>> = {
  text: { contact: { id: SECRETS.contact }, workspace: { id: 'w-1' }, textMessage: SECRETS.text },
  media: { ...whatsApp, mediaUrl: `https://media.example.com/a.png?token=${SECRETS.query}`, mimeType: 'image/png' },
  template: { ...whatsApp, template: SECRETS.template },
};

function* commands(): Generator<Command> {
  const headers = { own: SECRETS.headerValue, kafka_replyTopic: 'nowhere', kafka_correlationId: SECRETS.headerValue };
  for (const [type, request] of Object.entries(REQUESTS)) {
    const key = type === 'text' ? SECRETS.contact : SECRETS.phoneNumber;
    for (const end of ['accepted', 'rejected', 'reset', 'html', 'redirect', 'broken', 'limited']) {
      yield { key: `${key}-${end}`, headers, value: { id: `${type}-${end}`, type, request } };
    }
    const expiresAt = '2020-01-01T00:00:00Z';
    yield { key, headers, value: { id: `${type}-expired`, type, request, expiresAt } };
    yield {
      key,
      headers,
      value: { id: `${type}-unknown`, type, request: { ...request, [SECRETS.field]: SECRETS.text } },
    };
    yield {
      key,
      headers,
      value: { id: `${type}-both`, type, request: { ...request, ...whatsApp, contact: { id: SECRETS.contact } } },
    };
    yield { key, headers, value: `{"id":"${SECRETS.text}","request":${JSON.stringify(request)}` };
    yield { key, headers, value: { id: 'x', type: SECRETS.text, request: SECRETS.text, delivery: SECRETS.text } };
  }
  yield { key: SECRETS.contact, headers, value: `${SECRETS.text} `.repeat(60_000) };
}

it.each(['json', 'pretty'])(
  'the output and metrics of a run contain no secret and no content, with LOG_LEVEL trace and format %s',
  async (format) => {
    const server = echoingServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bed = await TestBed.start({ service: false });
    try {
      await bed.startService({
        MESSAGES_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        MESSAGES_API_KEY: SECRETS.apiKey,
        LOG_LEVEL: 'trace',
        LOG_FORMAT: format,
        RETRY_BASE_DELAY_MS: '10',
        RETRY_MAX_ATTEMPTS: '2',
      });
      const all = [...commands()];
      const limited = all.filter(({ value }) => JSON.stringify(value).includes('-limited')).length;
      await bed.produce(all);
      await bed.results(all.length - limited);
      const metrics = await bed.service.metrics();
      // From here on nothing answers: a limited command meets a refused connection.
      server.closeAllConnections();
      server.close();
      await bed.until(() => bed.seenDeadLetters.length > 10, 'dead letters');
      expect(await bed.stopService()).toBe(0);
      expect(bed.output.split('\n').length).toBeGreaterThan(all.length);
      for (const [name, secret] of Object.entries(SECRETS)) {
        const found = bed.output.split('\n').filter((line) => line.includes(secret));
        expect({ name, found }).toEqual({ name, found: [] });
        expect({ name, found: metrics.includes(secret) }).toEqual({ name, found: false });
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
