interface Request {
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

/** What is used of kafkajs's queue of the requests on one connection. */
interface RequestQueue {
  readonly enforceRequestTimeout: boolean;
  readonly inflight: ReadonlyMap<number, Request>;
  isConnected(): boolean;
  scheduleRequestTimeoutCheck: (this: RequestQueue) => void;
}

const LOOK_EVERY_MS = 100;

/**
 * Replaces how kafkajs 2.2.4 looks for requests that are not answered in time: by the wall clock, with a timer for each
 * connection. Once that clock jumps ahead every request on the wire counts as unanswered, and results are written again that
 * Kafka has; once it is set back, none ever does. This one goes by the monotonic clock, from the first look at a request on,
 * and looks at all connections at once: a timer each woke up an idle replica far more often than its work did.
 */
export function mendRequestTimeouts(nowMs: () => number = () => performance.now()): void {
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
    // Answers that arrived while the process was frozen are read first.
    timer ??= setInterval(() => void setImmediate(look), LOOK_EVERY_MS).unref();
  };
}
