import type { Passage } from './breaker';
import { Credential } from './credential';

/** Which key a workspace's calls are made with, and how many keys there are. Keys are told apart by `keyOf` alone. */
export interface KeyRing {
  keyOf(workspaceId: string): string;
  readonly size: number;
}

const FREE: Passage = { kind: 'free' };

/**
 * The standing of every key with the API. A workspace whose key is refused waits alone; the others go on. A key that is no
 * longer on the ring is forgotten with what was held against it, so a new one starts with a clean slate.
 */
export class Credentials<C extends object> {
  private readonly byKey = new Map<string, Credential<C>>();

  constructor(private readonly keys: KeyRing) {}

  of(workspaceId: string): Credential<C> {
    const key = this.keys.keyOf(workspaceId);
    let credential = this.byKey.get(key);
    if (credential === undefined) {
      credential = new Credential();
      this.byKey.set(key, credential);
    }
    return credential;
  }

  passage(workspaceId: string, nowMs: number): Passage {
    return this.byKey.size === 0 ? FREE : this.of(workspaceId).passage(nowMs);
  }

  /** How many keys the API refuses. */
  get refused(): number {
    let count = 0;
    for (const credential of this.byKey.values()) if (credential.isRefused) count++;
    return count;
  }

  get areAllRefused(): boolean {
    return this.byKey.size > 0 && this.refused >= this.keys.size;
  }

  forget(command: C): void {
    for (const credential of this.byKey.values()) credential.forget(command);
  }

  /** The ring has changed. Keys come back with their first command. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    for (const key of this.byKey.keys()) if (!isCurrent(key)) this.byKey.delete(key);
  }
}
