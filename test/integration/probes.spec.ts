import { METRICS } from '../../src/observability/metric-definitions';
import { LifecycleBed, probe, until } from './lifecycle-bed.ts';

jest.setTimeout(30_000);

test('the probes tell start, work and drain apart, and the metrics have their documented names', async () => {
  await using bed = await LifecycleBed.prepare({ behaviour: { latencyMs: 2_000 } });
  const service = await bed.launch();
  await until(async () => (await probe(service, '/livez')).code === 200, 10_000, 'the probes answer');
  // The port is open before Kafka is asked for anything, so the service cannot have joined yet.
  expect((await probe(service, '/startupz')).code).toBe(503);
  expect((await probe(service, '/readyz')).code).toBe(503);

  await until(async () => (await probe(service, '/startupz')).code === 200, 10_000, 'the service has started');
  expect((await probe(service, '/readyz')).code).toBe(200);
  const { code, body } = await probe(service, '/metrics');
  expect(code).toBe(200);
  for (const name of Object.keys(METRICS)) expect(body).toContain(`# TYPE messages_dispatcher_${name} `);

  await bed.produce(20);
  await bed.untilAccepted(1);
  service.child.signal('SIGTERM');
  await until(async () => (await probe(service, '/readyz')).code === 503, 1_000, 'the service is unready');
  expect((await probe(service, '/readyz')).body).toContain('draining');
  expect((await probe(service, '/livez')).code).toBe(200);
  expect(await service.child.exited).toBe(0);
});
