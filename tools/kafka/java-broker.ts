import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { STOP_GRACE_S } from './dev-kafka.ts';
import type { Broker, KillSignal, Log } from './dev-kafka.ts';

/** How to run one broker. */
export interface JavaBrokerSpec {
  readonly name: string;
  readonly address: string;
  /** `host:port` of the other listeners, by name; default none. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** The full command line, `java` first. */
  readonly command: readonly string[];
  /** The folder that is removed if this process dies without stopping the broker. */
  readonly folder: string;
  readonly log: Log;
}

// This shell becomes the broker. Before that, it starts a guard that reads a pipe which only this process has open.
// However this process ends, SIGKILL included, the pipe closes; the guard then kills the broker and removes its data. A
// line on the pipe dismisses the guard. The guard must not keep the broker's own pipes open.
const GUARDED = `folder=$1; shift
( read -r dismissed <&3 || { kill -KILL $$; sleep 0.2; rm -rf "$folder"; } ) >/dev/null 2>&1 &
exec "$@" 3<&-`;

const KEPT_LINES = 15;

/** A broker as a process of this machine. */
export class JavaBroker implements Broker {
  readonly address: string;
  readonly listeners: Readonly<Record<string, string>>;
  readonly #spec: JavaBrokerSpec;
  #process: ChildProcess | undefined;
  #endWanted = false;
  #fault: string | undefined;

  constructor(spec: JavaBrokerSpec) {
    this.address = spec.address;
    this.listeners = spec.listeners ?? {};
    this.#spec = spec;
  }

  fault(): string | undefined {
    return this.#fault;
  }

  start(): Promise<void> {
    if (this.#process !== undefined) return Promise.resolve();
    this.#endWanted = false;
    this.#fault = undefined;
    // Its own process group: Ctrl-C reaches only this process, which then ends the brokers in its own order.
    const child = spawn('sh', ['-c', GUARDED, 'sh', this.#spec.folder, ...this.#spec.command], {
      detached: true,
      // The guard's pipe is not stdin: Node closes stdin before it reports the end of the child.
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    const { stderr, guard } = pipesOf(child);
    let lines: string[] = [];
    stderr.setEncoding('utf8').on('data', (text: string) => {
      lines = [...lines, ...text.split('\n').filter((line) => line !== '')].slice(-KEPT_LINES);
    });
    guard.on('error', () => {});
    child.once('error', (error) => this.#ended(error.message, lines));
    child.once('exit', (code, signal) => {
      guard.end('dismissed\n');
      this.#ended(signal ?? `exit code ${code}`, lines);
    });
    return Promise.resolve();
  }

  async kill(signal: KillSignal): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#endWanted = true;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const grace = new AbortController();
    const forced = sleep(STOP_GRACE_S * 1_000, undefined, { signal: grace.signal }).then(
      () => child.kill('SIGKILL'),
      () => false,
    );
    await this.kill('SIGTERM');
    grace.abort();
    await forced;
  }

  pause(): Promise<void> {
    this.#process?.kill('SIGSTOP');
    return Promise.resolve();
  }

  resume(): Promise<void> {
    this.#process?.kill('SIGCONT');
    return Promise.resolve();
  }

  #ended(how: string, lines: string[]): void {
    this.#process = undefined;
    if (this.#endWanted) return;
    this.#fault = `${this.#spec.name} ended (${how}): ${lines.join('\n')}`;
    this.#spec.log(this.#fault);
  }
}

function pipesOf({ stdio: [, , stderr, guard] }: ChildProcess): { stderr: Readable; guard: Writable } {
  if (stderr instanceof Readable && guard instanceof Writable) return { stderr, guard };
  throw new Error('a child was started without its pipes');
}
