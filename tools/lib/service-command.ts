import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program and its arguments. */
export interface ServiceCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The command that `npm start` runs, with this process's own Node: V8's memory flags are set in package.json.
 *
 * @param nodeOptions come before those flags
 */
export function serviceCommand(root: string, nodeOptions: readonly string[] = []): ServiceCommand {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [, ...args] = scripts.start.split(' ');
  return { command: process.execPath, args: [...nodeOptions, ...args] };
}
