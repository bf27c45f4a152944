import type { WorkspaceKeys } from './config';

/** What a key of the Messages API may be. With any other character the HTTP client would refuse every call. */
export const API_KEY = /^[\x21-\x7e]{1,4096}$/;
export const API_KEY_GRAMMAR = '1 to 4096 printable ASCII characters without spaces';

/** Completes "must be …" if a text is not the content of such a file. */
export const WORKSPACE_KEYS_GRAMMAR = `a JSON object of workspace ids, each with its key: ${API_KEY_GRAMMAR}`;

/** Reads the content of a file of keys; null if it is malformed. */
export function parseWorkspaceKeys(text: string): WorkspaceKeys | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const entries: [string, unknown][] = Object.entries(value);
  const isRead = entries.every(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && API_KEY.test(entry[1]),
  );
  return isRead ? Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(entries)) : null;
}
