/** The used part of kafkajs's queue of the requests on one connection. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Milliseconds since the epoch; the broker asked for silence until then. */
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** An answer makes room, and is noticed at once. This is for every other cause. */
const LOOK_AGAIN_MS = 10;

/**
 * Replaces how often kafkajs 2.2.4 looks for requests that wait to be sent. After the first answer it looks every
 * millisecond, on each connection and for ever, even if none waits: its timer starts itself again, with a delay below
 * 0. An idle replica woke up 1,700 times a second. Here it looks only while a request waits.
 */
export function patchWaitingRequests(): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      throttledMs > 0 ? throttledMs : LOOK_AGAIN_MS,
    );
  };
}
