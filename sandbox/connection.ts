import type { Socket } from 'node:net';
import { failed, whole } from './answers.ts';
import type { Answer } from './answers.ts';
import { deliver } from './delivery.ts';
import { RequestParser } from './http-parser.ts';
import type { HttpRequest, ParseFailure, RequestSink } from './http-parser.ts';

/** What is to be done about one request. */
export interface Handling {
  readonly answer: Answer;
  readonly delayMs: number;
  /** Called once, when the answer is out or the connection is gone. */
  readonly finished: () => void;
}

/** What a connection needs of its server. */
export interface ConnectionHost {
  handle(request: HttpRequest): Handling;
  /** Runs `run` once, not before `delayMs` have passed. */
  later(delayMs: number, run: () => void): void;
}

type Item = HttpRequest | ParseFailure | 'continue';

/** Above so many pipelined requests, no more are read. */
const MAX_WAITING = 64;

/**
 * One client connection. Requests that are sent ahead of their turn (pipelining) wait: one is handled at a time and answers leave in order.
 * Modes: idle → answering → idle …, and closed from either.
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
    // A caller that gives up closes its side; its call is over then, before any other call of its is read.
    socket.once('end', () => this.#leave());
    socket.once('close', () => this.#leave());
    // Followed by `close`, and clients may reset as they please.
    socket.on('error', () => {});
  }

  onRequest(request: HttpRequest): void {
    this.#take(request);
  }

  onContinue(): void {
    this.#take('continue');
  }

  onFailure(failure: ParseFailure): void {
    this.#take(failure);
  }

  #take(item: Item): void {
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

  /** Not by recursion: answers without delay would nest as deep as requests wait. */
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
