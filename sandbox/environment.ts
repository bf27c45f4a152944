import { DEFAULT_BEHAVIOUR, SETTINGS, faultsOf, isBehaviourPatch } from './behaviour.ts';
import type { SandboxOptions } from './server.ts';

const DEFAULT_PORT = 8080;

/**
 * The options that an environment sets. If a variable is malformed: one line for each, with its name and what it must
 * be, never its value.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): SandboxOptions | readonly string[] {
  const faults: string[] = [];
  const port = Number(env['SANDBOX_PORT'] || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) faults.push('SANDBOX_PORT must be a port number');

  const behaviour: Record<string, unknown> = {};
  const apiKey = env['SANDBOX_API_KEY'];
  if (apiKey !== undefined) behaviour['apiKeys'] = [apiKey];
  for (const name of SETTINGS) {
    const value = env[variableOf(name)];
    if (value === undefined || value === '') continue;
    behaviour[name] = parse(value);
    faults.push(...faultsOf({ [name]: behaviour[name] }).map((fault) => fault.replace(name, variableOf(name))));
  }
  if (apiKey !== undefined && faultsOf({ apiKeys: [apiKey] }).length > 0) {
    faults.push('SANDBOX_API_KEY must be printable ASCII without blanks');
  }
  if (faults.length > 0 || !isBehaviourPatch(behaviour)) return faults;
  return { host: env['SANDBOX_HOST'] || '127.0.0.1', port, behaviour: { ...DEFAULT_BEHAVIOUR, ...behaviour } };
}

/** `latencyMs` → `SANDBOX_LATENCY_MS`. */
function variableOf(setting: string): string {
  return `SANDBOX_${setting.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** JSON if it is valid, else the text itself, so that words need no quotes. */
function parse(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
