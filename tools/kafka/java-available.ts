import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LOWEST_JAVA = 17;

/** The command that starts Java 17 or newer (first `JAVA_HOME`, then `PATH`); undefined if there is none. */
export async function findJava(): Promise<string | undefined> {
  const home = process.env['JAVA_HOME'];
  for (const command of [...(home ? [join(home, 'bin', 'java')] : []), 'java']) {
    const version = await output(command, ['-version']);
    if (Number(/version "(\d+)/.exec(version ?? '')?.[1]) >= LOWEST_JAVA) return command;
  }
  return undefined;
}

/** True when `mvn` can be run. */
export async function mavenAvailable(): Promise<boolean> {
  return (await output('mvn', ['--version'])) !== undefined;
}

async function output(command: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, args, { env: process.env });
    return stdout + stderr;
  } catch {
    return undefined;
  }
}
