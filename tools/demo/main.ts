/** The demo: `npm run demo`. Exits 0 only if every command ended as it should. */
import type { Behaviour } from '../../sandbox/behaviour.ts';
import { startKafka } from '../kafka/start-kafka.ts';
import { projectRoot } from '../kafka/project-root.ts';
import { buildService } from '../lib/build-service.ts';
import { runTool } from '../lib/run-tool.ts';
import { SandboxProcess } from '../lib/sandbox-process.ts';
import { demoCommands } from './commands.ts';
import { FAULT_RULES } from './kinds.ts';
import { runDemo } from './run-demo.ts';
import { renderSummary } from './summary.ts';
import { differences } from './verify.ts';

const COMMANDS = 2_000;
const DIFFERENCES_SHOWN = 10;

/**
 * Faults of the API. Resets come only before acceptance: after a reset that follows acceptance, at-least-once rightly
 * sends the message again, and the API would have it twice. A key has at most two faults, so that no command fails by
 * chance alone.
 */
const BEHAVIOUR: Partial<Behaviour> = {
  latencyMs: 40,
  jitterMs: 40,
  faultRates: { status429: 0.01, status500: 0.02, status503: 0.01, resetBeforeAcceptance: 0.02 },
  faultsPerKey: 2,
  faultRules: FAULT_RULES,
};

const say = (line: string): void => console.error(line);

await runTool(async (signal) => {
  const root = projectRoot(import.meta.dirname);
  await buildService(root, say, signal);
  say('starting Kafka');
  const kafka = await startKafka({ root, log: say, signal });
  try {
    say(`Kafka: ${kafka.brokers.join(',')} (${kafka.kind})`);
    await using sandbox = await SandboxProcess.start(root, BEHAVIOUR, signal);
    say(`sandbox Messages API: ${sandbox.url}`);
    const topicPrefix = `demo-${Date.now()}.`;
    const commands = demoCommands(COMMANDS, topicPrefix);
    const { ledger, deadLetters } = await runDemo({
      root,
      brokers: kafka.brokers,
      sandbox,
      topicPrefix,
      commands,
      say,
      signal,
    });
    const found = differences(ledger, { sandbox: await sandbox.report(), deadLetters });
    console.log(`\n${renderSummary(ledger)}\n`);
    if (found.length === 0) {
      console.log('Every command ended as it should, once, and in order.');
      return 0;
    }
    console.log(`${found.length} differences from what should be:`);
    for (const line of found.slice(0, DIFFERENCES_SHOWN)) console.log(`  ${line}`);
    return 1;
  } finally {
    await kafka.stop();
  }
});
