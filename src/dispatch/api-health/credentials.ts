import { Credential, type Refusable } from './credential';

/** Which key a workspace's calls are made with, and how many keys there are. Keys are told apart by `keyOf` alone. */
export interface KeyRing {
  keyOf(workspaceId: string): string;
  readonly size: number;
}

/**
 * The standing of every key with the API. A key that is no longer on the ring is forgotten with what was held against
 * it, so
 * a new one starts with a clean slate.
 */
export class Credentials<C extends Refusable> {
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

  /** How many keys the API refuses: nothing has succeeded with them since they were refused. */
  get refused(): number {
    return this.count((credential) => Number(credential.isDoubted));
  }

  /** How many workspaces, each on a channel, wait because the API refuses them. */
  get workspacesRefused(): number {
    return this.count((credential) => credential.workspacesRefused);
  }

  get areAllRefused(): boolean {
    for (const credential of this.byKey.values()) if (!credential.isRefused) return false;
    return this.byKey.size > 0 && this.byKey.size >= this.keys.size;
  }

  forget(command: C): void {
    this.byKey.get(this.keys.keyOf(command.workspaceId))?.forget(command);
  }

  sweep(nowMs: number): void {
    for (const credential of this.byKey.values()) credential.sweep(nowMs);
  }

  /** The ring has changed. Keys come back with their first command. */
  keysChanged(isCurrent: (key: string) => boolean): void {
    for (const key of this.byKey.keys()) if (!isCurrent(key)) this.byKey.delete(key);
  }

  private count(of: (credential: Credential<C>) => number): number {
    let count = 0;
    for (const credential of this.byKey.values()) count += of(credential);
    return count;
  }
}
