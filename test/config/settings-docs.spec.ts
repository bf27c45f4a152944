import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHANNELS } from '../../src/contract/channels';
import { Environment } from '../../src/config/environment';
import { readConfig } from '../../src/config/read-config';
import { renderEnvExample, renderSettingsDocs } from '../../src/config/settings-docs';
import { fileVariable, settingsOf } from '../../src/config/setting';

const root = join(__dirname, '../..');
const settings = settingsOf(Environment);

describe('the documents of the settings', () => {
  it('are up to date (else run `npm run docs`)', () => {
    expect(readFileSync(join(root, '.env.example'), 'utf8')).toBe(renderEnvExample());
    expect(readFileSync(join(root, 'docs/settings.md'), 'utf8')).toBe(renderSettingsDocs());
  });

  it('give an example that is a valid configuration', () => {
    const lines = renderEnvExample()
      .split('\n')
      .filter((line) => /^[A-Z]/.test(line));
    const env = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
    expect(readConfig(env)).toMatchObject({ ok: true });
  });

  it('state the defaults that the service uses', () => {
    const lines = renderEnvExample()
      .split('\n')
      .filter((line) => /^(# )?[A-Z_]+=/.test(line));
    const required = lines.filter((line) => !line.startsWith('# '));
    const envOf = (chosen: readonly string[]) =>
      Object.fromEntries(chosen.map((line) => line.replace('# ', '').split(/=(.*)/s, 2)));
    expect(readConfig(envOf(lines))).toEqual(readConfig(envOf(required)));
    expect(lines).toHaveLength(settings.length);
  });

  it('have one row of four cells for each setting, and three rows for the rate limits of all channels', () => {
    const rows = renderSettingsDocs()
      .split('\n')
      .filter((line) => /^\| `[A-Z]/.test(line) && line.split(/(?<!\\)\|/).length === 6);
    const named = rows.flatMap((row) => /^\| `(?<name>[A-Z_<>]+)`/.exec(row)?.groups?.['name'] ?? []);
    expect(
      named.flatMap((name) => CHANNELS.map((channel) => name.replace('<CHANNEL>', channel.toUpperCase()))),
    ).toEqual(expect.arrayContaining(settings.map(({ variable }) => variable)));
    expect(named.filter((name) => name.startsWith('RATE_LIMIT_'))).toEqual([
      'RATE_LIMIT_<CHANNEL>',
      'RATE_LIMIT_<CHANNEL>_PER_WORKSPACE',
      'RATE_LIMIT_<CHANNEL>_PER_RECIPIENT',
    ]);
    expect(new Set(named).size).toBe(named.length);
  });

  it('name the file of every secret', () => {
    const secrets = settings.filter(({ carrier }) => carrier === 'secret');
    for (const { variable } of secrets) expect(renderSettingsDocs()).toContain(`\`${fileVariable(variable)}\``);
    expect(secrets).not.toHaveLength(0);
  });

  it('have no line of more than 120 columns, except rows of tables', () => {
    const lines = [...renderEnvExample().split('\n'), ...renderSettingsDocs().split('\n')];
    expect(lines.filter((line) => line.length > 120 && !line.startsWith('|'))).toEqual([]);
  });
});
