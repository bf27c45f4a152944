import { scopeHash } from './scope-hash';

/** Whose a record is. */
export interface Who {
  /** As the record says it, be it valid or not. */
  readonly workspaceId: string;
  /** The ordering key. */
  readonly key: string;
}

export interface WhoHashes {
  readonly workspace: number;
  readonly key: number;
}

/** How many commands are in hand of each workspace and of each key. */
export class HandCounts {
  private readonly byOffset = new Map<number, WhoHashes | null>();
  private readonly counts = new Map<number, number>();
  private last: { workspaceId: string; hash: number } = { workspaceId: '', hash: scopeHash('workspace', '') };

  hashesOf({ workspaceId, key }: Who): WhoHashes {
    if (workspaceId !== this.last.workspaceId) {
      this.last = { workspaceId, hash: scopeHash('workspace', workspaceId) };
    }
    return { workspace: this.last.hash, key: scopeHash('key', key) };
  }

  /** @param hash of a workspace or a key */
  of(hash: number): number {
    return this.counts.get(hash) ?? 0;
  }

  add(offset: number, hashes: WhoHashes | null): void {
    this.byOffset.set(offset, hashes);
    if (hashes === null) return;
    this.shift(hashes.workspace, 1);
    this.shift(hashes.key, 1);
  }

  remove(offset: number): void {
    const hashes = this.byOffset.get(offset);
    this.byOffset.delete(offset);
    if (!hashes) return;
    this.shift(hashes.workspace, -1);
    this.shift(hashes.key, -1);
  }

  private shift(hash: number, by: 1 | -1): void {
    const count = this.of(hash) + by;
    if (count === 0) this.counts.delete(hash);
    else this.counts.set(hash, count);
  }
}
