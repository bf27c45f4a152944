/**
 * The chaos suite: `npm run chaos -- [--seed N] [--scenario NAME,…] [--short]`. Exits 1 if a promise is broken. The
 * long form judges counts and durations. The short form takes minutes and judges only counts, which hold on a machine
 * of any speed.
 */
import { randomInt } from 'node:crypto';
import { projectRoot } from '../kafka/project-root.ts';
import { startKafka } from '../kafka/start-kafka.ts';
import { buildService } from '../lib/build-service.ts';
import { runTool } from '../lib/run-tool.ts';
import { parseArguments } from './arguments.ts';
import { renderReport } from './report.ts';
import { runScenario } from './run-scenario.ts';
import type { ScenarioResult } from './run-scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { warmUp } from './warm-up.ts';

const say = (line: string): void => console.error(line);

await runTool(async (signal) => {
  const known = SCENARIOS.map(({ name }) => name);
  const args = parseArguments(process.argv.slice(2), known, randomInt(2 ** 32));
  if (typeof args === 'string') {
    say(args);
    return 2;
  }
  const root = projectRoot(import.meta.dirname);
  await buildService(root, say, signal);
  say(`seed ${args.seed}`);
  const kafka = await startKafka({ root, brokers: 3, log: say, signal });
  const results: ScenarioResult[] = [];
  try {
    if (!kafka.canControl) throw new Error('brokers have to be killed here: unset KAFKA_BROKERS to have some started');
    say('the brokers warm up');
    await warmUp(kafka.brokers, signal);
    for (const scenario of SCENARIOS.filter(({ name }) => args.scenarios.includes(name))) {
      results.push(await runScenario({ root, kafka, say, signal }, scenario, args));
    }
  } finally {
    await kafka.stop();
    if (results.length > 0) console.log(`\nseed ${args.seed}\n\n${renderReport(results)}\n`);
  }
  for (const { name, broken } of results) for (const line of broken) console.log(`${name}: ${line}`);
  return results.every(({ broken }) => broken.length === 0) ? 0 : 1;
});
