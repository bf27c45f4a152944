import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { LifecycleBed, ROOT } from './lifecycle-bed.ts';

test('the service replaces itself by a process whose heap and compiler are bounded, under the same pid', async () => {
  await using bed = await LifecycleBed.prepare();
  const { child } = await bed.start();
  const commandLine = execFileSync('ps', ['-o', 'args=', '-p', String(child.pid)], { encoding: 'utf8' });
  const options = commandLine.split(' ').filter((argument) => argument.startsWith('--'));
  expect(options).toEqual([
    '--max-semi-space-size=8',
    '--heap-growing-percent=60',
    '--concurrent-turbofan-max-threads=1',
    '--no-maglev',
  ]);
});

test('the service loads the parts of large packages that it uses, not their indexes', () => {
  const listing = `require(${JSON.stringify(join(ROOT, 'dist/app.module.js'))}); console.log(Object.keys(require.cache).join('\\n'))`;
  const loaded = execFileSync(process.execPath, ['-e', listing], { encoding: 'utf8' }).split('\n');
  const from = (part: string): boolean => loaded.some((file) => file.includes(`/node_modules/${part}`));
  expect(from('class-validator/cjs/validation/Validator.js')).toBe(true);
  expect(from('undici/lib/dispatcher/client.js')).toBe(true);
  for (const unused of ['class-validator/cjs/index.js', 'libphonenumber-js/', 'undici/index.js', 'ioredis/']) {
    expect([unused, from(unused)]).toEqual([unused, false]);
  }
});
