import { createServer, type Server } from 'node:net';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../tools/kafka/free-ports.ts';
import { type Command, TestBed } from './harness';

const text = (recipient: string, id: string = randomUUID()): Command & { readonly id: string } => ({
  id,
  key: recipient,
  value: {
    id,
    type: 'text',
    request: { contact: { id: recipient }, workspace: { id: 'w-1' }, textMessage: 'hello' },
  },
});

/** Nobody listens there, until `listen` forwards to the sandbox: what is sent meanwhile is surely not sent. */
async function gateway(target: string): Promise<{ url: string; listen: () => Promise<Server> }> {
  const [port] = await freePorts(1);
  const { hostname, port: targetPort } = new URL(target);
  const listen = async (): Promise<Server> => {
    const { connect } = await import('node:net');
    const server = createServer((socket) => {
      const upstream = connect(Number(targetPort), hostname);
      socket.pipe(upstream).pipe(socket);
      for (const each of [socket, upstream]) each.on('error', () => socket.destroy());
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  return { url: `http://127.0.0.1:${port}`, listen };
}

describe('retry topics', () => {
  it('take what was not sent, round by round, and send it in the end with all its calls counted', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '1s,2s' });
    const api = await gateway(bed.sandbox.url);
    await bed.startService({
      MESSAGES_API_URL: api.url,
      RETRY_MAX_ATTEMPTS: '1',
      RETRY_BASE_DELAY_MS: '1',
      RETRY_MAX_DELAY_MS: '10',
    });
    const startedMs = Date.now();
    const [place] = await bed.produce([{ ...text('a'), key: null, headers: { campaign: 'spring' } }]);
    await bed.untilCommitted();
    await sleep(1_500);
    expect(bed.seenResults).toEqual([]);
    const server = await api.listen();
    try {
      const { result, key } = await bed.resultOf(place);
      expect(Date.now() - startedMs).toBeGreaterThan(3_000);
      expect(result).toMatchObject({ outcome: 'accepted', attempts: 3, source: place });
      expect(key).toBe(result.commandId);
    } finally {
      server.close();
    }
    await sleep(200);
    expect(bed.seenResults).toHaveLength(1);
  });

  it('end in a dead letter when the rounds are used up, which has the bytes, key and headers of the command', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '500ms' });
    const { url } = await gateway(bed.sandbox.url);
    await bed.startService({ MESSAGES_API_URL: url, RETRY_MAX_ATTEMPTS: '2', RETRY_BASE_DELAY_MS: '1' });
    const command = text('b');
    const [place] = await bed.produce([{ ...command, headers: { campaign: 'spring' } }]);
    const { result } = await bed.resultOf(place);
    expect(result).toMatchObject({ outcome: 'failed', attempts: 4, httpStatus: null, source: place });
    const letter = await bed.deadLetterOf(place);
    expect([letter.key, letter.value?.toString()]).toEqual(['b', JSON.stringify(command.value)]);
    expect(letter.headers).toMatchObject({ campaign: 'spring', outcome: 'failed', attempts: '4' });
    expect(Object.keys(letter.headers).filter((name) => name.startsWith('retry-'))).toEqual([]);
  });

  it('keep expiresAt: what expires on its way is not sent', async () => {
    await using bed = await TestBed.start({ service: false, retryDelays: '2s' });
    const api = await gateway(bed.sandbox.url);
    await bed.startService({ MESSAGES_API_URL: api.url, RETRY_MAX_ATTEMPTS: '1' });
    const command = text('c');
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const [place] = await bed.produce([{ ...command, value: { ...(command.value as object), expiresAt } }]);
    await bed.untilCommitted();
    const server = await api.listen();
    try {
      expect((await bed.resultOf(place)).result).toMatchObject({ outcome: 'expired', attempts: 1 });
    } finally {
      server.close();
    }
    expect(bed.sandbox.report().calls).toBe(0);
  });
});
