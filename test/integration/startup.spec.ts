import { exitWithin, runToEnd } from './lifecycle-run.ts';
import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, metricSum, PERFECT, probe, SERVICE } from './lifecycle-bed.ts';

test('a bad configuration exits 2 with one line for each variable, and never prints a value', async () => {
  const bad = {
    KAFKA_BROKERS: 'planted-broker:0',
    MAX_IN_FLIGHT: 'planted-number',
    MESSAGES_API_KEY: 'planted key with blanks',
    DEFAULT_DELIVERY: 'planted-delivery',
  };
  const { code, stdout, stderr } = await runToEnd(SERVICE, bad);

  const named = stderr
    .trimEnd()
    .split('\n')
    .map((line) => /^[A-Z0-9_]+/.exec(line)?.[0]);
  expect(code).toBe(2);
  expect(named).toHaveLength(5);
  expect(new Set(named)).toEqual(
    new Set(['DEFAULT_DELIVERY', 'KAFKA_BROKERS', 'MAX_IN_FLIGHT', 'MESSAGES_API_KEY', 'MESSAGES_API_URL']),
  );
  expect(stdout + stderr).not.toContain('planted');
});

test('missing topics exit 1 with an error that lists them all', async () => {
  await using bed = await LifecycleBed.prepare({ withoutTopics: true });
  const { code, stdout } = await runToEnd(SERVICE, bed.settings({ HTTP_PORT: '0' }));
  expect(code).toBe(1);
  for (const topic of bed.topics) expect(stdout).toContain(topic);
});

test('CREATE_TOPICS creates missing topics; those for dead letters and retries have room for more headers', async () => {
  await using bed = await LifecycleBed.prepare({ withoutTopics: true });
  const service = await bed.start({ CREATE_TOPICS: 'true', RETRY_TOPIC_DELAYS: '90s' });
  const existing = await bed.admin.listTopics();
  const retries = `${bed.prefix}retries.whatsapp.90s`;
  expect(existing).toEqual(expect.arrayContaining([...bed.topics, retries]));
  const [commandBytes, deadLetterBytes, retryBytes] = [
    await bed.topicSetting(bed.commands, 'max.message.bytes'),
    await bed.topicSetting(`${bed.prefix}dead-letters`, 'max.message.bytes'),
    await bed.topicSetting(retries, 'max.message.bytes'),
  ].map(Number);
  const withHeaders = (commandBytes ?? 0) + 64 * 1024;
  expect([deadLetterBytes, retryBytes]).toEqual([withHeaders, withHeaders]);
  service.child.signal('SIGTERM');
  expect(await exitWithin(service.child.exited, DEADLINE_MS)).toBe(0);
});

test('a new group starts at the earliest record; in the end everything is committed and the lag is 0', async () => {
  await using bed = await LifecycleBed.prepare();
  await bed.produce(500);
  const service = await bed.start();
  await bed.untilSettled();

  const metrics = (await probe(service, '/metrics')).body;
  expect(metricSum(metrics, 'messages_dispatcher_lag_messages', bed.commands)).toBe(0);
  expect(metricSum(metrics, 'messages_dispatcher_settled_commands_total', 'outcome="accepted"')).toBe(500);
  expect(metricSum(metrics, 'messages_dispatcher_held_commands')).toBe(0);
  expect(await bed.account()).toEqual(PERFECT);

  service.child.signal('SIGTERM');
  expect(await exitWithin(service.child.exited, DEADLINE_MS)).toBe(0);
});
