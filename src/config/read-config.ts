import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { plainToInstance } from 'class-transformer';
import { Validator } from '../contract/class-validator';
import { carriedText, type Carried, fileOf, type ReadFile } from './carried-texts';
import { combinationFaults } from './combinations';
import type { Config } from './config';
import { Environment } from './environment';
import { settingsOf, type SettingEntry } from './setting';
import { toConfig } from './to-config';

/** A frozen configuration, or one line per faulty variable: `NAME: must be …`. A line never quotes the value. */
export type ConfigReading =
  { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads the whole configuration from environment variables and the files that they name. Reports all faults at once, in
 * the order of the settings.
 */
export function readConfig(
  env: NodeJS.ProcessEnv,
  readFile: ReadFile = (path) => readFileSync(path, 'utf8'),
): ConfigReading {
  const settings = settingsOf(Environment);
  const carried = new Map(settings.map((setting) => [setting.variable, carriedText(setting, env, readFile)]));
  const texts = settings.map((setting) => [setting.variable, textOf(setting, carried.get(setting.variable))]);
  const environment = plainToInstance(Environment, Object.fromEntries(texts));

  const given = new Set(settings.map(({ variable }) => variable).filter((name) => carried.get(name)?.kind !== 'unset'));
  const messages = new Map<string, string>();
  for (const { variable, message } of combinationFaults(environment, given)) messages.set(variable, message);
  for (const { property, constraints } of new Validator().validateSync(environment, { stopAtFirstError: true })) {
    messages.set(property, Object.values(constraints ?? {}).join('; '));
  }

  const files = new Map(settings.map((setting) => [setting.variable, fileOf(setting, env)]));
  const faults = settings.flatMap(({ variable }) => faultLine(variable, carried.get(variable), messages.get(variable)));
  return faults.length > 0
    ? { ok: false, faults }
    : { ok: true, config: deepFreeze(toConfig(environment, hostname(), files)) };
}

function textOf(setting: SettingEntry, carried: Carried | undefined): string | null {
  if (carried?.kind === 'text') return carried.text;
  return setting.unset.kind === 'default' ? setting.unset.text : null;
}

function faultLine(variable: string, carried: Carried | undefined, message: string | undefined): readonly string[] {
  if (carried?.kind === 'fault') return [`${carried.variable}: ${carried.message}`];
  if (message === undefined) return [];
  if (carried?.kind === 'text' && carried.fromFile) return [`${carried.variable}: its content ${message}`];
  return [`${variable}: ${message}`];
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
