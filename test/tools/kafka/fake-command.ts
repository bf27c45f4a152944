import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Puts an executable shell script called `name` into `folder`. If `folder` is first in PATH, it replaces that command.
 */
export async function fakeCommand(folder: string, name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
