import { Yallist } from 'yallist';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { parseBaseUrl } from './base-url';
import { Connection } from './connection';
import { Connector } from './connector';
import { toIdempotencyKey } from './idempotency-key';
import { PendingCall } from './pending-call';
import type { CallOwner } from './pending-call';

export interface MessagesApiOptions {
  /** http or https; a path in it is put before the path of every operation. */
  readonly baseUrl: string;
  /** Deadline of one call, from `call()` to the last byte of the answer: waiting for a connection counts. */
  readonly timeoutMs: number;
  /** Connections kept, thus calls on the wire at once; further calls wait for one to come free. */
  readonly maxConnections: number;
  /** A longer body, also once decompressed, is not read, which makes a 2xx `unreadable`. */
  readonly maxResponseBytes: number;
}

export interface MessagesApiRequest {
  /** Sent as `x-api-key`: visible ASCII. */
  readonly apiKey: string;
  /** Path of the operation, with leading slash. */
  readonly path: string;
  /** JSON text, sent as it stands. */
  readonly body: string;
  /** The command's id; for what it becomes in the header see toIdempotencyKey. */
  readonly idempotencyKey: string;
  readonly permit: SendPermit;
}

/**
 * The Messages API over HTTP/1.1 with keep-alive. One `call()` is at most one request on the wire: nothing is retried and
 * no redirect followed (the key would leak with it).
 *
 * It keeps its own stack of undici clients instead of a Pool: a Pool looks for a free one by a linear scan, and cannot
 * take back a request that waits in it past its deadline. Last used, first taken: under little load the others may go idle
 * and close.
 */
export class MessagesApiClient implements CallOwner {
  readonly #options: MessagesApiOptions;
  readonly #origin: string;
  readonly #pathPrefix: string;
  readonly #connector = new Connector();
  readonly #connections: Connection[] = [];
  readonly #idle: Connection[] = [];
  /**
   * Calls without a result; all have the same timeout, so insertion order is the order of their deadlines. A list, since a
   * Set through which calls come and go keeps what it held before in memory until the next full collection.
   */
  readonly #pending = new Yallist<PendingCall>();
  /** Those of them that wait for a connection. */
  readonly #waiting = new Set<PendingCall>();
  /** One timer for the deadlines of all calls; null while there is none to keep. */
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  /** @throws TypeError where the base URL cannot be used; the message does not repeat it. */
  constructor(options: MessagesApiOptions) {
    const { origin, pathPrefix } = parseBaseUrl(options.baseUrl);
    this.#options = options;
    this.#origin = origin;
    this.#pathPrefix = pathPrefix;
  }

  /** Makes one call. Never rejects: whatever the network does is a result. */
  call(request: MessagesApiRequest): Promise<CallResult | Withdrawn> {
    if (this.#closed) {
      return Promise.resolve({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: 'the client is closed' });
    }
    return new Promise((resolve) => {
      const deadlineMs = performance.now() + this.#options.timeoutMs;
      const call = new PendingCall(this.#toHttp(request), request.permit, deadlineMs, resolve, this);
      this.#pending.pushNode(call.place);
      if (this.#timer === null) this.#armTimer(this.#options.timeoutMs);
      const connection = this.#takeConnection();
      if (connection === null) this.#waiting.add(call);
      else call.start(connection);
    });
  }

  /** Refuses further calls, ends those under way (they get their results by the same rules) and closes the connections. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const call of this.#pending.toArray()) call.stop('closed');
    if (this.#timer !== null) clearTimeout(this.#timer);
    const reason = new Error('the client is closed');
    await Promise.all(this.#connections.map((connection) => connection.destroy(reason)));
  }

  get maxResponseBytes(): number {
    return this.#options.maxResponseBytes;
  }

  settled(call: PendingCall, result: CallResult | Withdrawn): void {
    this.#pending.removeNode(call.place);
    this.#waiting.delete(call);
    call.resolve(result);
  }

  released(connection: Connection): void {
    this.#idle.push(connection);
    // Not at once: undici is still in the middle of the last call.
    if (this.#waiting.size > 0) queueMicrotask(() => this.#serveWaiting());
  }

  #serveWaiting(): void {
    for (const call of this.#waiting) {
      const connection = this.#takeConnection();
      if (connection === null) return;
      this.#waiting.delete(call);
      call.start(connection);
    }
  }

  #takeConnection(): Connection | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#connections.length >= this.#options.maxConnections) return null;
    const connection = new Connection(this.#origin, this.#connector, this.#options.maxResponseBytes);
    this.#connections.push(connection);
    return connection;
  }

  #toHttp({ apiKey, path, body, idempotencyKey }: MessagesApiRequest): PendingCall['request'] {
    return {
      method: 'POST',
      path: this.#pathPrefix + path,
      body,
      headers: [
        'x-api-key',
        apiKey,
        'content-type',
        'application/json',
        'accept',
        'application/json',
        'user-agent',
        'messages-dispatcher',
        'idempotency-key',
        toIdempotencyKey(idempotencyKey),
      ],
    };
  }

  #armTimer(delayMs: number): void {
    this.#timer = setTimeout(() => {
      // Answers that arrived while the event loop was stalled are read first; else a stall would pass for timeouts.
      setImmediate(() => this.#expire());
    }, Math.ceil(delayMs)).unref();
  }

  #expire(): void {
    const nowMs = performance.now();
    this.#timer = null;
    for (const call of this.#pending.toArray()) {
      if (call.deadlineMs > nowMs) return this.#armTimer(call.deadlineMs - nowMs);
      call.stop('timeout');
    }
  }
}
