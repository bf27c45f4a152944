import { TestBed } from './harness';
import { SERVICE } from './lifecycle-bed.ts';
import { runToEnd } from './lifecycle-run.ts';

test.each([
  ['deadLetters', 'compact'],
  ['results', 'compact'],
  ['results', 'compact,delete'],
] as const)('the start refuses %s with cleanup.policy=%s, and names topic and setting', async (which, policy) => {
  await using bed = await TestBed.start({
    service: false,
    topicConfigs: { [which]: { 'cleanup.policy': policy } },
  });
  const topic = bed.topics[which];
  const keyless = bed.producer.send({ topic, messages: [{ key: null, value: 'keyless' }] });
  await expect(keyless).rejects.toThrow('failed the validation');

  const { code, stdout } = await runToEnd(SERVICE, bed.settings({ HTTP_PORT: '0' }));
  expect(code).toBe(1);
  expect(stdout).toContain(`compacted topics: ${topic} (cleanup.policy=${policy})`);
});
