import type { Socket } from 'node:net';
import { METRICS } from '../../src/observability/metric-definitions';
import { DEADLINE_MS } from '../deadline.ts';
import { ACCEPTED, answer, startRawServer } from '../messages-api/raw-server.ts';
import { Gateway } from './gateway.ts';
import { LifecycleBed, probe, SHARED_BROKERS, until } from './lifecycle-bed.ts';

test('the probes tell start, work and drain apart, and the metrics have their documented names', async () => {
  const calls: Socket[] = [];
  const api = await startRawServer((socket) => void calls.push(socket));
  await using kafka = await Gateway.to(new URL(`tcp://${SHARED_BROKERS[0]}`));
  {
    await using bed = await LifecycleBed.prepare({
      settings: { KAFKA_BROKERS: kafka.address, MESSAGES_API_URL: api.url },
    });
    const service = await bed.launch();
    const codeOf = async (path: string): Promise<number> => (await probe(service, path)).code;
    await until(async () => (await codeOf('/livez')) === 200, DEADLINE_MS, 'the probes answer');
    expect(await codeOf('/startupz')).toBe(503);
    expect(await codeOf('/readyz')).toBe(503);

    await kafka.open();
    await until(async () => (await codeOf('/startupz')) === 200, DEADLINE_MS, 'the service has started');
    expect(await codeOf('/readyz')).toBe(200);
    const { code, body } = await probe(service, '/metrics');
    expect(code).toBe(200);
    for (const name of Object.keys(METRICS)) expect(body).toContain(`# TYPE messages_dispatcher_${name} `);

    await bed.produce(1);
    await until(() => Promise.resolve(calls.length === 1), DEADLINE_MS, 'a call is on the wire');
    service.child.signal('SIGTERM');
    await until(async () => (await codeOf('/readyz')) === 503, DEADLINE_MS, 'the service is unready');
    expect((await probe(service, '/readyz')).body).toContain('draining');
    expect(await codeOf('/livez')).toBe(200);
    calls[0]?.write(answer('200 OK', ACCEPTED));
    expect(await service.child.exited).toBe(0);
  }
  await api.close();
});
