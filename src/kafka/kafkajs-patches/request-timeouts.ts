interface Request {
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

/** The used part of kafkajs's queue of the requests on one connection. */
interface RequestQueue {
  readonly enforceRequestTimeout: boolean;
  readonly inflight: ReadonlyMap<number, Request>;
  isConnected(): boolean;
  scheduleRequestTimeoutCheck: (this: RequestQueue) => void;
}

const LOOK_EVERY_MS = 100;

/**
 * Replaces how kafkajs 2.2.4 finds requests that are not answered in time.
 *
 * - kafkajs goes by the wall clock. If that jumps ahead, every request on the wire counts as unanswered, and results
 *   are written again that Kafka has. If it is set back, no request ever does. Here the monotonic clock counts, from
 *   the first look at a request.
 * - kafkajs has a timer for each connection, and those woke up an idle replica far more often than its work did. Here
 *   one timer looks at all connections.
 */
export function patchRequestTimeouts(nowMs: () => number = () => performance.now()): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  const connected = new Set<RequestQueue>();
  const seenAtMs = new WeakMap<Request, number>();
  let timer: NodeJS.Timeout | null = null;

  const isOverdue = (request: Request): boolean => {
    const sinceMs = seenAtMs.get(request) ?? nowMs();
    seenAtMs.set(request, sinceMs);
    return nowMs() - sinceMs > request.requestTimeout;
  };
  const look = (): void => {
    for (const queue of connected) {
      for (const request of queue.inflight.values()) if (isOverdue(request)) request.timeoutRequest();
      if (!queue.isConnected()) connected.delete(queue);
    }
    if (connected.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };

  prototype.scheduleRequestTimeoutCheck = function () {
    if (!this.enforceRequestTimeout) return;
    connected.add(this);
    // `setImmediate`: answers that arrived while the process was frozen must be read first.
    timer ??= setInterval(() => void setImmediate(look), LOOK_EVERY_MS).unref();
  };
}
