/** What a record can be passed over for: too much of its workspace, or of its ordering key. */
export type ScopeKind = 'workspace' | 'key';

/** Bytes of a hash in the commit's metadata. */
export const HASH_BYTES = 6;

const SEEDS: Readonly<Record<ScopeKind, number>> = { workspace: 0x9e3779b9, key: 0x85ebca6b };

/**
 * A number below 2^48 that stands for a workspace or a key. It goes into commits, where every release reads it: another
 * function needs another form of the marks. Two scopes with one number are treated as one, which loses nothing: both
 * are passed
 * over together.
 */
export function scopeHash(kind: ScopeKind, name: string): number {
  let a = SEEDS[kind];
  let b = ~a;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    a = Math.imul(a ^ code, 0x85ebca77);
    b = Math.imul(b ^ code, 0xc2b2ae3d);
  }
  a = Math.imul(a ^ (a >>> 16) ^ b, 0x27d4eb2f);
  b = Math.imul(b ^ (b >>> 15) ^ a, 0x165667b1);
  a ^= a >>> 13;
  b ^= b >>> 16;
  return ((b >>> 0) % 0x10000) * 0x100000000 + (a >>> 0);
}
