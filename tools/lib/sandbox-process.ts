import { join } from 'node:path';
import { request } from 'undici';
import type { CallRecord } from '../../sandbox/api.ts';
import type { Behaviour } from '../../sandbox/behaviour.ts';
import type { Report } from '../../sandbox/ledger.ts';
import { ManagedChild } from './child-process.ts';

/** A sandbox of the Messages API, as a process of its own. */
export class SandboxProcess implements AsyncDisposable {
  readonly url: string;
  readonly #child: ManagedChild;

  private constructor(child: ManagedChild, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Starts it on a free port; resolves when it listens. */
  static async start(root: string, behaviour: Partial<Behaviour>, signal: AbortSignal): Promise<SandboxProcess> {
    const args = [join(root, 'sandbox', 'main.ts')];
    const env = { SANDBOX_PORT: '0', SANDBOX_HOST: '127.0.0.1' };
    const child = new ManagedChild({ name: 'the sandbox', command: process.execPath, args, cwd: root, env });
    try {
      const [, url = ''] = await child.line(/listening on (\S+)/, signal);
      const sandbox = new SandboxProcess(child, url);
      await sandbox.configure(behaviour);
      return sandbox;
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  async configure(behaviour: Partial<Behaviour>): Promise<void> {
    await this.#ask('PUT', '/sandbox/behaviour', JSON.stringify(behaviour));
  }

  /** Forgets all calls. The behaviour stays. */
  async reset(): Promise<void> {
    await this.#ask('POST', '/sandbox/reset');
  }

  async report(): Promise<Report> {
    return JSON.parse(await this.#ask('GET', '/sandbox/report')) as Report;
  }

  /** All calls since the start or the last reset. Empty without `recordCalls`. */
  async calls(): Promise<CallRecord[]> {
    const lines = (await this.#ask('GET', '/sandbox/calls')).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as CallRecord);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stop();
  }

  async #ask(method: 'GET' | 'PUT' | 'POST', path: string, body?: string): Promise<string> {
    const answer = await request(this.url + path, { method, ...(body !== undefined && { body }) });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`the sandbox answered ${answer.statusCode} to ${path}: ${text}`);
    return text;
  }
}
