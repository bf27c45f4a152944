import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { MessagesApiConfig, WorkspaceKeys } from '../config/config';
import { API_KEY, API_KEY_GRAMMAR, parseWorkspaceKeys, WORKSPACE_KEYS_GRAMMAR } from '../config/workspace-keys';
import type { Log } from '../observability/log';

/** How often files are looked at for changes: by their times and size, which works for mounted secrets too. */
const LOOK_EVERY_MS = 1_000;

/**
 * The API key for each workspace: its own key, or the usual key, which is for all other workspaces. Key files are read
 * again when they change. If a file cannot be read or used, the keys stay as they were.
 */
export class ApiKeys {
  private usual: string;
  private own: ReadonlyMap<string, string>;
  private current: ReadonlySet<string>;
  private readonly watched: string[] = [];
  private onChange: () => void = () => undefined;

  constructor(
    private readonly config: MessagesApiConfig,
    private readonly log: Log,
  ) {
    this.usual = config.key;
    this.own = new Map(Object.entries(config.workspaceKeys));
    this.current = this.all();
  }

  keyOf(workspaceId: string): string {
    return this.own.get(workspaceId) ?? this.usual;
  }

  /** The number of different keys in use. */
  get size(): number {
    return this.current.size;
  }

  has(key: string): boolean {
    return this.current.has(key);
  }

  /** Watches the files from now on, and calls `onChange` after each change. There is one listener. */
  start(onChange: () => void): void {
    this.onChange = onChange;
    const { keyFile, workspaceKeysFile } = this.config;
    if (keyFile !== null) this.watch(keyFile, (text) => this.takeUsual(text));
    if (workspaceKeysFile !== null) this.watch(workspaceKeysFile, (text) => this.takeOwn(text));
  }

  stop(): void {
    for (const path of this.watched.splice(0)) unwatchFile(path);
  }

  private watch(path: string, take: (text: string) => boolean): void {
    this.watched.push(path);
    watchFile(path, { persistent: false, interval: LOOK_EVERY_MS }, () => {
      if (!take(readIfThere(path))) return;
      this.current = this.all();
      this.log('info', 'keys of the Messages API were read again', { keys: this.size });
      this.onChange();
    });
  }

  private takeUsual(text: string): boolean {
    const key = text.replace(/\r?\n$/, '');
    if (!API_KEY.test(key)) return this.refuse('MESSAGES_API_KEY_FILE', API_KEY_GRAMMAR);
    this.usual = key;
    return true;
  }

  private takeOwn(text: string): boolean {
    const keys: WorkspaceKeys | null = parseWorkspaceKeys(text);
    if (keys === null) return this.refuse('MESSAGES_API_KEYS_FILE', WORKSPACE_KEYS_GRAMMAR);
    this.own = new Map(Object.entries(keys));
    return true;
  }

  private refuse(variable: string, mustBe: string): false {
    this.log('error', `${variable}: its content must be ${mustBe}; the keys from before stay in use`, {});
    return false;
  }

  private all(): ReadonlySet<string> {
    return new Set([this.usual, ...this.own.values()]);
  }
}

/** A file that is being replaced may be missing for a moment. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
