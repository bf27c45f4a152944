import { createHash } from 'node:crypto';

const TAG_LENGTH = 22;

/** A short name for a group member, of fixed length whatever the client id: its id's SHA-256, cut at 128 bits. */
export function memberTag(memberId: string): string {
  return createHash('sha256').update(memberId).digest('base64url').slice(0, TAG_LENGTH);
}
