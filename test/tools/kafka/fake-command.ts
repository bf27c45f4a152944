import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Puts an executable shell script called `name` into `folder`; with `folder` first in PATH it stands in for that command. */
export async function fakeCommand(folder: string, name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
