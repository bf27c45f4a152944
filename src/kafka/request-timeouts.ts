interface Request {
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

/** What is used of kafkajs's queue of the requests on one connection. */
interface RequestQueue {
  readonly enforceRequestTimeout: boolean;
  readonly requestTimeout: number;
  readonly inflight: ReadonlyMap<number, Request>;
  requestTimeoutIntervalId: NodeJS.Timeout;
  isConnected(): boolean;
  destroy(): void;
  scheduleRequestTimeoutCheck: (this: RequestQueue) => void;
}

const CHECK_EVERY_MS = 100;

/**
 * Replaces how kafkajs 2.2.4 looks for requests that are not answered in time: by the wall clock. Once that jumps ahead every
 * request on the wire counts as unanswered, and results are written again that Kafka has; once it is set back, none ever does.
 * This one goes by the monotonic clock, from the first look at a request on.
 */
export function mendRequestTimeouts(nowMs: () => number = () => performance.now()): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  const seenAtMs = new WeakMap<Request, number>();
  const isOverdue = (request: Request): boolean => {
    const sinceMs = seenAtMs.get(request) ?? nowMs();
    seenAtMs.set(request, sinceMs);
    return nowMs() - sinceMs > request.requestTimeout;
  };
  prototype.scheduleRequestTimeoutCheck = function () {
    if (!this.enforceRequestTimeout) return;
    this.destroy();
    const check = (): void => {
      for (const request of this.inflight.values()) if (isOverdue(request)) request.timeoutRequest();
      if (!this.isConnected()) this.destroy();
    };
    // Answers that arrived while the process was frozen are read first.
    const checkLater = (): void => void setImmediate(check);
    this.requestTimeoutIntervalId = setInterval(checkLater, Math.min(this.requestTimeout, CHECK_EVERY_MS));
  };
}
