import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment } from '../../src/config/environment';
import { readConfig } from '../../src/config/read-config';
import { renderEnvExample, renderSettingsTable, withSettingsTable } from '../../src/config/settings-docs';
import { settingsOf } from '../../src/config/setting';

const root = join(__dirname, '../..');

describe('the documents of the settings', () => {
  it('have .env.example as it is rendered (else run scripts/settings-docs.cjs after a build)', () => {
    expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(renderEnvExample());
  });

  it('have the table of the README as it is rendered, once the README has markers for it', () => {
    const path = join(root, 'README.md');
    const readme = existsSync(path) ? readFileSync(path, 'utf8') : '';
    expect(withSettingsTable(readme) ?? readme).toBe(readme);
  });

  it('give an example that is a configuration as it stands', () => {
    const lines = renderEnvExample()
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
    expect(readConfig(env)).toMatchObject({ ok: true });
  });

  it('state defaults that read as the defaults do', () => {
    const lines = renderEnvExample()
      .split('\n')
      .filter((line) => /^(# )?[A-Z_]+=/.test(line));
    const required = lines.filter((line) => !line.startsWith('# '));
    const envOf = (chosen: readonly string[]) =>
      Object.fromEntries(chosen.map((line) => line.replace('# ', '').split(/=(.*)/s, 2)));
    expect(readConfig(envOf(lines))).toEqual(readConfig(envOf(required)));
    expect(lines).toHaveLength(settingsOf(Environment).length);
  });

  it('have one row of three cells for each setting', () => {
    const rows = renderSettingsTable().split('\n').slice(2);
    expect(rows).toHaveLength(settingsOf(Environment).length);
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(4);
  });

  it('replace what is between the markers alone, and leave a README without them', () => {
    const updated = withSettingsTable('# a\n<!-- settings -->\nold\n<!-- /settings -->\nb\n');
    expect(updated).toBe(`# a\n<!-- settings -->\n${renderSettingsTable()}\n<!-- /settings -->\nb\n`);
    expect(withSettingsTable(updated ?? '')).toBe(updated);
    expect(withSettingsTable('# a\n<!-- settings -->\n')).toBeNull();
  });
});
