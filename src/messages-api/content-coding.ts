import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { Incomplete } from './classify';

type Decode = (body: Buffer, options: { readonly maxOutputLength: number }) => Buffer;

/** RFC 9110, section 8.4.1. Some servers send `deflate` without the zlib header that the RFC asks for. */
const DECODERS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateAny],
  ['br', brotliDecompressSync],
  ['identity', (body) => body],
]);

/**
 * Removes the content codings of a body. The service asks for none, but RFC 9110, section 12.5.3, then allows any.
 * Never throws: if the body cannot be read, returns the reason.
 *
 * @param codings the `content-encoding` field: codings in the order in which they were applied
 * @param maxBytes length of the longest decoded body; decoding stops there
 */
export function decodeContent(body: Buffer, codings: string, maxBytes: number): Buffer | Incomplete {
  if (body.length === 0) return body;
  let decoded = body;
  for (const coding of codings.split(',').reverse()) {
    const decode = DECODERS.get(coding.trim().toLowerCase());
    if (decode === undefined) return 'unknown-coding';
    try {
      decoded = decode(decoded, { maxOutputLength: maxBytes });
    } catch (error) {
      return isTooLarge(error) ? 'too-large' : 'undecodable';
    }
  }
  return decoded;
}

function inflateAny(body: Buffer, options: { readonly maxOutputLength: number }): Buffer {
  try {
    return inflateSync(body, options);
  } catch (error) {
    if (isTooLarge(error)) throw error;
    return inflateRawSync(body, options);
  }
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}
