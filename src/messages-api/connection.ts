import type { Client, Dispatcher } from 'undici';
import type { Connector, Opening } from './connector';
import { passOverContinue } from './interim-continue';

/** undici's client alone: the package's index loads fetch, WebSocket and caches as well, which take 14 MiB. */
const UndiciClient = require('undici/lib/dispatcher/client.js') as typeof Client;

/**
 * One keep-alive connection to the API. It connects with its first call and, after a loss, with the next one.
 * The caller gives it one call at a time: undici then never sends a request again by itself, since the only requests that
 * it queues again after a loss are those of which nothing was written.
 */
export class Connection {
  readonly #client: Client;
  /** What is being opened; undici knows nothing of it before it is ready. */
  #connecting: Opening | null = null;
  /** Set where a call was given up before undici began to connect for it: that attempt has nobody left to end it. */
  #abandoned: Error | null = null;

  constructor(origin: string, connector: Connector, maxResponseBytes: number) {
    this.#client = new UndiciClient(origin, {
      pipelining: 1,
      // One deadline covers the whole call, see PendingCall; undici's timers would only cost.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxResponseBytes,
      connect: (target, callback) => {
        this.#connecting = connector.open(target, (...outcome) => {
          this.#connecting = null;
          callback(...outcome);
          const [, socket] = outcome;
          if (socket !== null) passOverContinue(socket);
        });
        if (this.#abandoned !== null) this.#connecting.destroy(this.#abandoned);
      },
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#abandoned = null;
    this.#client.dispatch(request, handler);
  }

  /** Gives up connecting for the present call, which then fails; no effect on one that is already on the wire. */
  abandonConnect(reason: Error): void {
    this.#abandoned = reason;
    this.#connecting?.destroy(reason);
  }

  /** Closes the socket; a call that is still on it fails. */
  async destroy(reason: Error): Promise<void> {
    const destroyed = this.#client.destroy(reason);
    this.abandonConnect(reason);
    await destroyed;
  }
}
