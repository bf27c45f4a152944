import type { Client, Dispatcher } from 'undici';
import type { Connector, Opening } from './connector';
import { passOverContinue } from './interim-continue';

/** undici's client alone: the package's index also loads fetch, WebSocket and caches, which take 14 MiB. */
const UndiciClient = require('undici/lib/dispatcher/client.js') as typeof Client;

/**
 * One keep-alive connection to the API. It connects with its first call, and after a loss with the next one. The caller
 * must give it one call at a time. Then undici never sends a request twice: after a loss it only queues requests again
 * of which nothing was written.
 */
export class Connection {
  private readonly client: Client;
  /** The connection that is being opened. undici does not know it before it is ready. */
  private connecting: Opening | null = null;
  /** Set if a call was given up before undici began to connect for it: nobody else would end that attempt. */
  private abandoned: Error | null = null;

  constructor(origin: string, connector: Connector, maxResponseBytes: number) {
    this.client = new UndiciClient(origin, {
      pipelining: 1,
      // MessagesApiClient has one deadline for the whole call; undici's timers would only cost CPU.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: maxResponseBytes,
      connect: (target, callback) => {
        this.connecting = connector.open(target, (...outcome) => {
          this.connecting = null;
          callback(...outcome);
          const [, socket] = outcome;
          if (socket !== null) passOverContinue(socket);
        });
        if (this.abandoned !== null) this.connecting.destroy(this.abandoned);
      },
    });
  }

  dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.abandoned = null;
    this.client.dispatch(request, handler);
  }

  /** Gives up connecting for the current call, which then fails. Does nothing to a call that is on the wire. */
  abandonConnect(reason: Error): void {
    this.abandoned = reason;
    this.connecting?.destroy(reason);
  }

  /** Closes the socket. A call that is still on it fails. */
  async destroy(reason: Error): Promise<void> {
    const destroyed = this.client.destroy(reason);
    this.abandonConnect(reason);
    await destroyed;
  }
}
