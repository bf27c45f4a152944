import type { Socket } from 'node:net';
import { failed, whole } from './answers.ts';
import type { Answer } from './answers.ts';
import { deliver } from './delivery.ts';
import { RequestParser } from './http-parser.ts';
import type { HttpRequest, ParseFailure, RequestSink } from './http-parser.ts';

/** How one request is answered. */
export interface Handling {
  readonly answer: Answer;
  readonly delayMs: number;
  /** Called once, when the answer is sent or the connection has closed. */
  readonly finished: () => void;
}

/** What a connection needs from its server. */
export interface ConnectionHost {
  handle(request: HttpRequest): Handling;
  /** Calls `run` once, after at least `delayMs`. */
  later(delayMs: number, run: () => void): void;
}

type Item = HttpRequest | ParseFailure | 'continue';

/** If so many pipelined requests wait, no more are read. */
const MAX_WAITING = 64;

/**
 * One client connection. Pipelined requests wait: one is handled at a time, and answers leave in order. Modes: idle →
 * answering → idle …; it can close in both.
 */
export class Connection implements RequestSink {
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #parser = new RequestParser(this);
  readonly #waiting: Item[] = [];
  #current: Handling | null = null;
  #isClosed = false;
  #isDraining = false;

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on('data', (chunk: Buffer) => this.#parser.push(chunk));
    // A caller that gives up closes its side. Its call must end then, before its next call is read.
    socket.once('end', () => this.#leave());
    socket.once('close', () => this.#leave());
    // `close` follows every error, and clients may reset at any time.
    socket.on('error', () => {});
  }

  onRequest(request: HttpRequest): void {
    this.#receive(request);
  }

  onContinue(): void {
    this.#receive('continue');
  }

  onFailure(failure: ParseFailure): void {
    this.#receive(failure);
  }

  #receive(item: Item): void {
    if (this.#isClosed) return;
    if (this.#current === null) {
      this.#process(item);
      return;
    }
    this.#waiting.push(item);
    if (this.#waiting.length === MAX_WAITING) this.#socket.pause();
  }

  #process(item: Item): void {
    if (item === 'continue') {
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    } else if ('reason' in item) {
      deliver(this.#socket, whole(failed(item.status, item.reason)), false, () => this.#close());
    } else {
      const handling = this.#host.handle(item);
      this.#current = handling;
      if (handling.delayMs > 0) this.#host.later(handling.delayMs, () => this.#answer(handling, item.keepAlive));
      else this.#answer(handling, item.keepAlive);
    }
  }

  #answer(handling: Handling, keepAlive: boolean): void {
    // The connection may have closed while the answer waited.
    if (this.#current !== handling) return;
    const { delivery } = handling.answer;
    const endsHere = !keepAlive || delivery === 'truncated' || delivery === 'reset';
    deliver(this.#socket, handling.answer, keepAlive, () => {
      if (this.#current !== handling) return;
      this.#current = null;
      handling.finished();
      if (endsHere) this.#close();
      else this.#drain();
    });
  }

  /** A loop, not recursion: answers without delay would nest as deep as the queue is long. */
  #drain(): void {
    if (this.#isDraining || this.#waiting.length === 0) return;
    this.#isDraining = true;
    while (this.#current === null && !this.#isClosed) {
      const item = this.#waiting.shift();
      if (item === undefined) break;
      this.#process(item);
    }
    this.#isDraining = false;
    if (this.#waiting.length < MAX_WAITING && this.#socket.isPaused()) this.#socket.resume();
  }

  #close(): void {
    this.#leave();
    if (!this.#socket.destroyed) this.#socket.end();
  }

  #leave(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
    const handling = this.#current;
    this.#current = null;
    handling?.finished();
  }
}
