import { resolve } from 'node:path';
import type { DevKafka } from '../../tools/kafka/dev-kafka.ts';
import { startKafka } from '../../tools/kafka/start-kafka.ts';
import { renderReport } from '../../tools/chaos/report.ts';
import { runScenario } from '../../tools/chaos/run-scenario.ts';
import { SCENARIOS } from '../../tools/chaos/scenarios.ts';
import { warmUp } from '../../tools/chaos/warm-up.ts';

jest.setTimeout(120_000);

const ROOT = resolve(__dirname, '../..');
const SEED = Number(process.env['CHAOS_SEED'] ?? 1);
const IN_SHORT = ['handover', 'kills-at-most-once'];

let kafka: DevKafka;

beforeAll(async () => {
  kafka = await startKafka({ root: ROOT, brokers: 3 });
  await warmUp(kafka.brokers, AbortSignal.timeout(60_000));
});

afterAll(async () => {
  await kafka.stop();
});

test.each(SCENARIOS.filter(({ name }) => IN_SHORT.includes(name)))(
  '$name: $about, and all that is promised is kept',
  async (scenario) => {
    const lines: string[] = [];
    const stage = { root: ROOT, kafka, say: (line: string) => void lines.push(line), signal: AbortSignal.timeout(110_000) }; // prettier-ignore
    const result = await runScenario(stage, scenario, { seed: SEED, short: true });
    if (result.broken.length > 0) throw new Error(`${lines.join('\n')}\n\nseed ${SEED}\n${renderReport([result])}`);
    expect(result.account).toMatchObject({ lost: 0, orderViolations: 0, overlaps: 0 });
    expect(result.account.commands).toBe(scenario.short.load.count);
  },
);
