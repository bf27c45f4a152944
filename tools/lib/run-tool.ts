import { constants } from 'node:os';
import { killStragglers } from './child-process.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command-line tool to its end and exits with its result: 1 if it throws, 128 + number if a signal ended it (130
 * after Ctrl-C). The signal given to `main` aborts then; before `main` returns, it must end everything that it started.
 * Repeated signals change nothing. An unhandled rejection aborts it as well.
 */
export async function runTool(main: (signal: AbortSignal) => Promise<number>): Promise<never> {
  quietKafkajs();
  const ending = new AbortController();
  let exitCode: number | null = null;
  for (const name of SIGNALS) {
    process.on(name, () => {
      exitCode ??= 128 + constants.signals[name];
      ending.abort(new Error(`ended by ${name}`));
    });
  }
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (fault: unknown) => {
      if (ending.signal.aborted) return;
      exitCode ??= 1;
      console.error(fault);
      ending.abort(fault);
    });
  }
  process.on('exit', killStragglers);
  try {
    const code = await main(ending.signal);
    exitCode ??= code;
  } catch (error) {
    if (!ending.signal.aborted) console.error(error instanceof Error ? error.message : error);
    exitCode ??= 1;
  }
  process.exit(exitCode);
}

/** kafkajs 2.2.4 asks for timers in the past, and Node warns about each. Users would see that warning first. */
function quietKafkajs(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'TimeoutNegativeWarning') console.error(`${warning.name}: ${warning.message}`);
  });
}
