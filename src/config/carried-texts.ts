import { fileVariable, type SettingEntry } from './setting';

/** Reads a whole file as UTF-8. Throws the errors of node:fs. */
export type ReadFile = (path: string) => string;

/** The raw text of a setting, not read yet. `variable` is the one that a fault must name. */
export type Carried =
  | { readonly kind: 'unset' }
  | { readonly kind: 'text'; readonly variable: string; readonly text: string; readonly fromFile: boolean }
  | { readonly kind: 'fault'; readonly variable: string; readonly message: string };

/**
 * Finds the text of one setting: in the environment, or in the file that the environment names. An empty variable
 * counts as not set.
 */
export function carriedText(setting: SettingEntry, env: NodeJS.ProcessEnv, readFile: ReadFile): Carried {
  const { variable, carrier } = setting;
  const given = env[variable] ?? '';
  switch (carrier) {
    case 'text':
      return given === '' && isEmptyMeant(setting, env)
        ? { kind: 'text', variable, text: '', fromFile: false }
        : ownText(variable, given);
    case 'file':
      return given === '' ? { kind: 'unset' } : fileText(variable, given, readFile);
    case 'secret': {
      const file = fileVariable(variable);
      const path = env[file] ?? '';
      if (path === '') return ownText(variable, given);
      if (given !== '') return { kind: 'fault', variable, message: `must not be set together with ${file}` };
      return fileText(file, path, readFile);
    }
  }
}

function isEmptyMeant({ variable, unset }: SettingEntry, env: NodeJS.ProcessEnv): boolean {
  return env[variable] !== undefined && unset.kind === 'default' && unset.isEmptyMeant === true;
}

/** The path of the file that a setting's text came from; null if it came from no file. */
export function fileOf({ variable, carrier }: SettingEntry, env: NodeJS.ProcessEnv): string | null {
  switch (carrier) {
    case 'text':
      return null;
    case 'file':
      return env[variable] || null;
    case 'secret':
      return env[fileVariable(variable)] || null;
  }
}

function ownText(variable: string, given: string): Carried {
  return given === '' ? { kind: 'unset' } : { kind: 'text', variable, text: given, fromFile: false };
}

function fileText(variable: string, path: string, readFile: ReadFile): Carried {
  try {
    const text = readFile(path).replace(/\r?\n$/, '');
    if (text === '') return { kind: 'fault', variable, message: 'must name a file that is not empty' };
    return { kind: 'text', variable, text, fromFile: true };
  } catch (error) {
    return { kind: 'fault', variable, message: `must name a readable file (${errorCode(error)})` };
  }
}

/** Only the errno code: the message of a file system error quotes the path. */
function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : 'unknown error';
}
