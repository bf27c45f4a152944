import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../tools/kafka/project-root.ts';
import { serviceCommand } from '../../../tools/lib/service-command.ts';

const root = projectRoot(__dirname);

/** The command of the image: the last CMD of the Dockerfile, in JSON. */
function imageCommand(): string[] {
  const commands = [...readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^CMD (\[.*\])$/gm)];
  return JSON.parse(commands.at(-1)?.[1] ?? '[]') as string[];
}

describe('the memory of the service', () => {
  it('has the same limits in the image, with npm start and in the tools', () => {
    const { command, args } = serviceCommand(root);
    expect(command).toBe(process.execPath);
    expect(['node', ...args]).toEqual(imageCommand());
  });

  it('is limited in both generations', () => {
    expect(serviceCommand(root, ['--cpu-prof']).args).toEqual([
      '--cpu-prof',
      expect.stringMatching(/^--max-old-space-size=\d+$/),
      expect.stringMatching(/^--max-semi-space-size=\d+$/),
      'dist/main.js',
    ]);
  });
});
