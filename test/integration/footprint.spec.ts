import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './lifecycle-bed.ts';

test('the service loads the parts of large packages that it uses, not their indexes', () => {
  const appModule = JSON.stringify(join(ROOT, 'dist/app.module.js'));
  const listing = `require(${appModule}); console.log(Object.keys(require.cache).join('\\n'))`;
  const loaded = execFileSync(process.execPath, ['-e', listing], { encoding: 'utf8' }).split('\n');
  const from = (part: string): boolean => loaded.some((file) => file.includes(`/node_modules/${part}`));
  expect(from('class-validator/cjs/validation/Validator.js')).toBe(true);
  expect(from('undici/lib/dispatcher/client.js')).toBe(true);
  for (const unused of ['class-validator/cjs/index.js', 'libphonenumber-js/', 'undici/index.js', 'ioredis/']) {
    expect([unused, from(unused)]).toEqual([unused, false]);
  }
});
