import type { Socket } from 'node:net';

/** What is used of undici's parser of HTTP/1.1 answers. */
interface Parser {
  onHeadersComplete: (this: Parser, status: number, upgrade: boolean, shouldKeepAlive: boolean) => number;
}

/** Of undici 8.12.4: under this symbol a connected socket holds its parser. */
const { kParser } = require('undici/lib/core/symbols.js') as { readonly kParser: symbol };

const CONTINUE = 100;
/** An interim answer that undici passes over. */
const PROCESSING = 102;

const mended = new WeakSet<Parser>();

/**
 * Has undici pass over "100 Continue" as over any other interim answer. Its own way is to drop the connection where nobody
 * asked for it, although a client must be able to read it then too (RFC 9110, section 15.2): behind a proxy that says so by
 * itself, every call would count as perhaps sent, and be made again although the API took it.
 *
 * @param socket one that undici has taken over; one that it has refused, since it is destroyed by now, is left alone
 */
export function passOverContinue(socket: Socket): void {
  const parser = Reflect.get(socket, kParser) as Parser | null | undefined;
  if (parser === null || parser === undefined) return;
  const prototype = Object.getPrototypeOf(parser) as Parser;
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { onHeadersComplete } = prototype;
  prototype.onHeadersComplete = function (status, upgrade, shouldKeepAlive) {
    return onHeadersComplete.call(this, status === CONTINUE ? PROCESSING : status, upgrade, shouldKeepAlive);
  };
}
