import kafkajs from 'kafkajs';
import { DEADLINE_MS } from '../deadline.ts';
import { LifecycleBed, metricSum, probe, until } from './lifecycle-bed.ts';

const MAX_UNRECORDED = 50;
const MAX_IN_FLIGHT = 20;
/** What may be sent and in no log when a replica dies. */
const MOST_REPEATED = MAX_UNRECORDED + MAX_IN_FLIGHT;
const FOR_EVER_MS = '9223372036854775807';

/** A broker refuses records that are older: of 0 ms all but those that arrive within their own millisecond. */
async function refuseOlderThan(bed: LifecycleBed, topic: string, ageMs: string): Promise<void> {
  const configEntries = [
    { name: 'message.timestamp.type', value: 'CreateTime' },
    { name: 'message.timestamp.before.max.ms', value: ageMs },
  ];
  const { TOPIC } = kafkajs.ConfigResourceTypes;
  await bed.admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC, name: topic, configEntries }] });
}

function prepare(): Promise<LifecycleBed> {
  const settings = { MAX_UNRECORDED: String(MAX_UNRECORDED), MAX_IN_FLIGHT: String(MAX_IN_FLIGHT), LOG_LEVEL: 'warn' };
  return LifecycleBed.prepare({ behaviour: { latencyMs: 20 }, recipients: 1_000, settings });
}

/** Resolves once nothing more is sent since too much of it is not recorded, and says how much that is. */
async function untilHeldBack(bed: LifecycleBed, service: { readonly url: string }): Promise<number> {
  await until(
    async () => (await probe(service, '/readyz')).body.includes(`"unrecorded":["${bed.commands}"]`),
    DEADLINE_MS,
    'dispatch waits',
  );
  const { body } = await probe(service, '/metrics');
  return metricSum(body, 'messages_dispatcher_unrecorded_commands', `"${bed.commands}"`);
}

test('while results are refused few more commands are sent, and a crash repeats no more than these', async () => {
  await using bed = await prepare();
  await bed.produce(1_000);
  const service = await bed.start();
  await bed.untilResults(100);
  await refuseOlderThan(bed, bed.results, '0');
  const unrecorded = await untilHeldBack(bed, service);
  expect(unrecorded).toBeGreaterThanOrEqual(MAX_UNRECORDED);
  expect(unrecorded).toBeLessThan(MOST_REPEATED);
  expect((await probe(service, '/readyz')).code).toBe(200);
  const { uniqueAccepted } = await bed.sandbox.report();
  expect(uniqueAccepted - (await bed.resultCount())).toBeLessThanOrEqual(MOST_REPEATED);

  await service.kill();
  await refuseOlderThan(bed, bed.results, FOR_EVER_MS);
  await bed.start();
  await bed.untilSettled();
  const account = await bed.account();
  expect(account).toMatchObject({ lost: 0, notAccepted: 0 });
  expect(account.repeatedCalls).toBeGreaterThan(0);
  expect(account.repeatedCalls).toBeLessThanOrEqual(MOST_REPEATED);
});

test('a second replica that starts while results are refused repeats no more than these either', async () => {
  await using bed = await prepare();
  await bed.produce(1_000);
  const service = await bed.start();
  await bed.untilResults(100);
  await refuseOlderThan(bed, bed.results, '0');
  await untilHeldBack(bed, service);
  const second = await bed.start();
  await untilHeldBack(bed, second);
  await refuseOlderThan(bed, bed.results, FOR_EVER_MS);
  await bed.untilSettled();
  const account = await bed.account();
  expect(account).toMatchObject({ lost: 0, notAccepted: 0 });
  expect(account.repeatedCalls).toBeLessThanOrEqual(MOST_REPEATED);
});
