import { Socket } from 'node:net';
import type { KafkaConfig } from '../../../src/config/config';
import { firstContact } from '../../../src/kafka/start/first-contact';
import type { Log } from '../../../src/observability/log';
import { freePorts } from '../../../tools/kafka/free-ports';
import { until } from '../../deadline';
import { startRawServer } from '../../messages-api/raw-server';

const config = { clientId: 'test', ssl: null, sasl: null, publishTimeoutMs: 1_000 } as KafkaConfig;

describe('firstContact', () => {
  it('waits for brokers that are away, says so once, and ends on its signal', async () => {
    const [port] = await freePorts(1);
    const said: string[] = [];
    const stopping = new AbortController();
    const log: Log = (level, message) => void said.push(`${level} ${message}`);
    const connects = jest.spyOn(Socket.prototype, 'connect');
    const waiting = firstContact({ ...config, brokers: [`127.0.0.1:${port}`] }, log, stopping.signal);
    await until(() => connects.mock.calls.length > 2, 'it tries again');
    stopping.abort();
    expect(await waiting).toBeNull();
    expect(said).toEqual(['warn Kafka cannot be reached, to be repeated']);
    connects.mockRestore();
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
    await until(() => closed > 1, 'it tries again');
    stopping.abort();
    expect(await waiting).toBeNull();
    await server.close();
  });

  it('does not begin if its signal has already aborted', async () => {
    expect(
      await firstContact({ ...config, brokers: ['127.0.0.1:1'] }, () => undefined, AbortSignal.abort()),
    ).toBeNull();
  });
});
