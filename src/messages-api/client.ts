import { Yallist } from 'yallist';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { parseBaseUrl } from './base-url';
import { Connection } from './connection';
import { Connector } from './connector';
import { toIdempotencyKey } from './idempotency-key';
import { PendingCall } from './pending-call';
import type { CallOwner } from './pending-call';

export interface MessagesApiOptions {
  /** http or https. Its path is put before the path of every operation. */
  readonly baseUrl: string;
  /** Deadline of one call, from `call()` to the last byte of the answer. The wait for a connection counts. */
  readonly timeoutMs: number;
  /** How many connections there may be, so also how many calls may be on the wire. Further calls wait. */
  readonly maxConnections: number;
  /** A longer body, before or after decompression, is not read; a 2xx is then `unreadable`. */
  readonly maxResponseBytes: number;
}

export interface MessagesApiRequest {
  /** Sent as `x-api-key`: visible ASCII. */
  readonly apiKey: string;
  /** Path of the operation, with leading slash. */
  readonly path: string;
  /** JSON text, sent unchanged. */
  readonly body: string;
  /** The command's id. `toIdempotencyKey` makes the header's value of it. */
  readonly idempotencyKey: string;
  readonly permit: SendPermit;
}

/**
 * The Messages API over HTTP/1.1 with keep-alive. One `call()` makes at most one request on the wire. Nothing is
 * retried, and no redirect is followed, since the API key would go with it.
 *
 * It keeps its own stack of undici clients instead of a Pool: a Pool finds a free one by a linear scan, and cannot take
 * back a request that waits past its deadline. The connection that was used last is taken first, so that under little
 * load the others become idle and close.
 */
export class MessagesApiClient implements CallOwner {
  private readonly options: MessagesApiOptions;
  private readonly origin: string;
  private readonly pathPrefix: string;
  private readonly connector = new Connector();
  private readonly connections: Connection[] = [];
  private readonly idle: Connection[] = [];
  /**
   * Calls without a result. All have the same timeout, so insertion order is the order of their deadlines. A list, not
   * a Set: a Set keeps removed calls in memory until the next full garbage collection.
   */
  private readonly pending = new Yallist<PendingCall>();
  /** The pending calls that wait for a connection. */
  private readonly waiting = new Set<PendingCall>();
  /** One timer for the deadlines of all calls; null while there are none. */
  private timer: NodeJS.Timeout | null = null;
  private isClosed = false;

  /** @throws TypeError if the base URL cannot be used. The message does not repeat it. */
  constructor(options: MessagesApiOptions) {
    const { origin, pathPrefix } = parseBaseUrl(options.baseUrl);
    this.options = options;
    this.origin = origin;
    this.pathPrefix = pathPrefix;
  }

  /** Makes one call. Never rejects: every fault of the network is a result. */
  call(request: MessagesApiRequest): Promise<CallResult | Withdrawn> {
    if (this.isClosed) {
      return Promise.resolve({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: 'the client is closed' });
    }
    return new Promise((resolve) => {
      const deadlineMs = performance.now() + this.options.timeoutMs;
      const call = new PendingCall(this.toHttp(request), request.permit, deadlineMs, resolve, this);
      this.pending.pushNode(call.pendingNode);
      if (this.timer === null) this.armTimer(this.options.timeoutMs);
      const connection = this.takeConnection();
      if (connection === null) this.waiting.add(call);
      else call.start(connection);
    });
  }

  /** Refuses further calls, ends those under way (their results follow the same rules), and closes the connections. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const call of this.pending.toArray()) call.stop('closed');
    if (this.timer !== null) clearTimeout(this.timer);
    const reason = new Error('the client is closed');
    await Promise.all(this.connections.map((connection) => connection.destroy(reason)));
  }

  get maxResponseBytes(): number {
    return this.options.maxResponseBytes;
  }

  settled(call: PendingCall, result: CallResult | Withdrawn): void {
    this.pending.removeNode(call.pendingNode);
    this.waiting.delete(call);
    call.resolve(result);
  }

  released(connection: Connection): void {
    this.idle.push(connection);
    // Not at once: undici has not yet returned from the last call.
    if (this.waiting.size > 0) queueMicrotask(() => this.serveWaiting());
  }

  private serveWaiting(): void {
    for (const call of this.waiting) {
      const connection = this.takeConnection();
      if (connection === null) return;
      this.waiting.delete(call);
      call.start(connection);
    }
  }

  private takeConnection(): Connection | null {
    const idle = this.idle.pop();
    if (idle !== undefined) return idle;
    if (this.connections.length >= this.options.maxConnections) return null;
    const connection = new Connection(this.origin, this.connector, this.options.maxResponseBytes);
    this.connections.push(connection);
    return connection;
  }

  private toHttp({ apiKey, path, body, idempotencyKey }: MessagesApiRequest): PendingCall['request'] {
    return {
      method: 'POST',
      path: this.pathPrefix + path,
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

  private armTimer(delayMs: number): void {
    this.timer = setTimeout(() => {
      // Answers that arrived while the event loop was stalled are read first. Otherwise a stall would look like
      // timeouts.
      setImmediate(() => this.expire());
    }, Math.ceil(delayMs)).unref();
  }

  private expire(): void {
    const nowMs = performance.now();
    this.timer = null;
    for (const call of this.pending.toArray()) {
      if (call.deadlineMs > nowMs) return this.armTimer(call.deadlineMs - nowMs);
      call.stop('timeout');
    }
  }
}
