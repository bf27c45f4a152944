import { createHash } from 'node:crypto';

const TAG_LENGTH = 22;

/**
 * A short name for a group member: the SHA-256 of its id, cut at 128 bits. Its length does not depend on the client id.
 */
export function memberTag(memberId: string): string {
  return createHash('sha256').update(memberId).digest('base64url').slice(0, TAG_LENGTH);
}
