import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagedChild } from './child-process.ts';

const CONFIGURATION = ['package-lock.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json', '.swcrc'];

/**
 * Builds the service if `dist/main.js` is missing or older than its sources. If that fails, rejects with the compiler's
 * output.
 */
export async function buildService(root: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const builtAtMs = await modifiedAtMs(join(root, 'dist', 'main.js'));
  if (builtAtMs > (await newestSourceMs(root))) return;
  say('building the service');
  const nest = join(root, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  await using build = new ManagedChild({
    name: 'nest build',
    command: process.execPath,
    args: [nest, 'build'],
    cwd: root,
  });
  const code = await build.whileRunning(build.exited, signal);
  if (code !== 0) throw new Error(`the service cannot be built:\n${build.tail}`);
}

async function newestSourceMs(root: string): Promise<number> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const sources = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = [...sources, ...CONFIGURATION.map((name) => join(root, name))];
  return Math.max(...(await Promise.all(files.map(modifiedAtMs))));
}

/** Time of the last change in ms since the epoch; 0 if there is no such file. */
async function modifiedAtMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
