/**
 * The sandbox as a process. Settings come from SANDBOX_* (see README.md). It prints one line when it listens, and exits
 * 0 after SIGTERM or SIGINT.
 */
import { readEnvironment } from './environment.ts';
import { startSandbox } from './server.ts';

const options = readEnvironment(process.env);
if ('length' in options) {
  console.error(options.join('\n'));
  process.exit(2);
}
const sandbox = await startSandbox(options);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
console.log(`sandbox listening on ${sandbox.url}`);
