import type { Socket } from 'node:net';

/** The used part of undici's parser of HTTP/1.1 answers. */
interface Parser {
  onHeadersComplete: (this: Parser, status: number, upgrade: boolean, shouldKeepAlive: boolean) => number;
}

/** In undici 8.12.4 a connected socket has its parser under this symbol. */
const { kParser } = require('undici/lib/core/symbols.js') as { readonly kParser: symbol };

const CONTINUE = 100;
/** An interim answer that undici ignores. */
const PROCESSING = 102;

const patched = new WeakSet<Parser>();

/**
 * Makes undici ignore "100 Continue" like any other interim answer. undici itself drops the connection if it did not
 * ask for one, although a client must be able to read it then too (RFC 9110, section 15.2). Behind a proxy that always
 * sends it, every call would count as perhaps sent, and be made again although the API took it.
 *
 * @param socket a connected socket, after undici has seen it. If undici has refused and destroyed it, nothing happens
 */
export function passOverContinue(socket: Socket): void {
  const parser = Reflect.get(socket, kParser) as Parser | null | undefined;
  if (parser === null || parser === undefined) return;
  const prototype = Object.getPrototypeOf(parser) as Parser;
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const { onHeadersComplete } = prototype;
  prototype.onHeadersComplete = function (status, upgrade, shouldKeepAlive) {
    return onHeadersComplete.call(this, status === CONTINUE ? PROCESSING : status, upgrade, shouldKeepAlive);
  };
}
