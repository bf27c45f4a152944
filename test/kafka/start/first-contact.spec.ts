import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaConfig } from '../../../src/config/config';
import { firstContact } from '../../../src/kafka/start/first-contact';
import type { Log } from '../../../src/observability/log';
import { freePorts } from '../../../tools/kafka/free-ports';
import { startRawServer } from '../../messages-api/raw-server';

const config = { clientId: 'test', ssl: null, sasl: null, publishTimeoutMs: 1_000 } as KafkaConfig;

describe('firstContact', () => {
  it('waits for brokers that are away, says so once, and ends when it is told to', async () => {
    const [port] = await freePorts(1);
    const said: string[] = [];
    const stopping = new AbortController();
    const log: Log = (level, message) => void said.push(`${level} ${message}`);
    const waiting = firstContact({ ...config, brokers: [`127.0.0.1:${port}`] }, log, stopping.signal);
    await sleep(700);
    stopping.abort();
    expect(await waiting).toBeNull();
    expect(said).toEqual(['warn Kafka cannot be reached, to be repeated']);
  });

  it('does not take one closed connection for a refusal', async () => {
    let closed = 0;
    const server = await startRawServer(() => undefined, { onSocket: (socket) => void (socket.end(), closed++) });
    const stopping = new AbortController();
    const waiting = firstContact(
      { ...config, brokers: [`127.0.0.1:${server.port}`] },
      () => undefined,
      stopping.signal,
    );
    await sleep(700);
    stopping.abort();
    expect(await waiting).toBeNull();
    expect(closed).toBeGreaterThan(1);
    await server.close();
  });

  it('does not begin where it is told to end already', async () => {
    expect(
      await firstContact({ ...config, brokers: ['127.0.0.1:1'] }, () => undefined, AbortSignal.abort()),
    ).toBeNull();
  });
});
