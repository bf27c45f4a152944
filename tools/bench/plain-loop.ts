/**
 * All throughput is measured against this: an undici pool that sends a load's bodies as fast as it can, without Kafka,
 * order or validation. It is a process of its own, with one JSON argument ({@link PlainLoopPlan}) and one line of JSON
 * as output ({@link PlainLoopResult}). `dispatch` with a bare handler is undici's fastest way; it was compared with
 * `request` and with one Client per connection.
 */
import { Pool } from 'undici';
import { commandOf, LOAD_OPERATION } from './load.ts';
import type { Load, LoadedCommand } from './load.ts';

/** What to send, and where to send it. */
export interface PlainLoopPlan {
  readonly url: string;
  /** Number of connections. Each has one call in flight. */
  readonly connections: number;
  /** Commands that are sent before the measurement. */
  readonly warmUp: number;
  readonly load: Load;
}

/** The time from the first call to the last byte of the last answer, and the cost. */
export interface PlainLoopResult {
  readonly wallMs: number;
  readonly cpuSeconds: number;
}

const plan = JSON.parse(process.argv[2] ?? '') as PlainLoopPlan;
const pool = new Pool(plan.url, { connections: plan.connections });

function sendAll(commands: readonly LoadedCommand[]): Promise<void> {
  const headers = ['x-api-key', 'sandbox-key', 'content-type', 'application/json', 'accept', 'application/json'];
  headers.push('user-agent', 'messages-dispatcher', 'idempotency-key');
  let next = 0;
  let left = commands.length;
  return new Promise((resolve, reject) => {
    const sendNext = (): void => {
      const command = commands[next++];
      if (command === undefined) return;
      const chunks: Buffer[] = [];
      pool.dispatch(
        { method: 'POST', path: LOAD_OPERATION.path, headers: [...headers, command.id], body: command.body },
        {
          onRequestStart() {},
          onResponseStart(_controller, status) {
            if (status !== 200) reject(new Error(`the sandbox answered ${status}`));
          },
          onResponseData(_controller, chunk) {
            chunks.push(chunk);
          },
          onResponseEnd() {
            if (chunks.length === 0) reject(new Error('the sandbox answered nothing'));
            else if (--left === 0) resolve();
            else sendNext();
          },
          onResponseError(_controller, error) {
            reject(error);
          },
        },
      );
    };
    for (let started = 0; started < plan.connections; started++) sendNext();
  });
}

function commandsOf(load: Load): LoadedCommand[] {
  return Array.from({ length: load.count }, (_, n) => commandOf(load, n));
}

await sendAll(commandsOf({ ...plan.load, name: `${plan.load.name}-warm-up`, count: plan.warmUp }));
await pool.request({ method: 'POST', path: '/sandbox/reset' });
const commands = commandsOf(plan.load);
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
await sendAll(commands);
const wallMs = performance.now() - startedMs;
const { user, system } = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({ wallMs, cpuSeconds: (user + system) / 1e6 } satisfies PlainLoopResult));
await pool.close();
