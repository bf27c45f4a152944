/** Visible ASCII, which needs no escape in a header, except `%`, which is the escape character. */
const PLAIN = /^[!-$&-~]*$/;
const NOT_PLAIN = /[^!-$&-~]/gu;

/**
 * A command id as the value of the `Idempotency-Key` header. Visible ASCII stays as it is. Every other character is
 * percent-encoded as its UTF-8 bytes, and so is `%`, so that no two ids become the same key: `décès 5%` →
 * `d%C3%A9c%C3%A8s%205%25`. `decodeURIComponent` reverses it.
 */
export function toIdempotencyKey(commandId: string): string {
  return PLAIN.test(commandId) ? commandId : commandId.toWellFormed().replace(NOT_PLAIN, percentEncode);
}

function percentEncode(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
