import { connect as connectTcp, isIP } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';

/** Lets idle connections through NATs and firewalls be noticed as dead. */
const TCP_KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * Opens the sockets of one API. Unlike undici's own connector it hands the socket out at once, so that an attempt can be
 * given up; it has no timeout, since the deadline of the call does that. HTTP/1.1 only: it offers no other by ALPN.
 */
export class Connector {
  /** Last TLS session, to spare reconnects the full handshake. */
  #session: Buffer | undefined;

  /** Opens a socket; `callback` is called once, when it is ready (with TLS: after the handshake) or has failed. */
  open(target: buildConnector.Options, callback: buildConnector.Callback): Socket {
    const secure = target.protocol === 'https:';
    const options: TcpNetConnectOpts = {
      host: target.hostname,
      port: Number(target.port || (secure ? 443 : 80)),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY_MS,
    };
    const socket = secure ? this.#openTls(options) : connectTcp(options);
    let settle: buildConnector.Callback | null = callback;
    socket
      .once(secure ? 'secureConnect' : 'connect', () => {
        settle?.(null, socket);
        settle = null;
      })
      // Kept for the socket's whole life: undici takes its own listener away before the last errors of a socket.
      .on('error', (error) => {
        settle?.(error, null);
        settle = null;
      });
    return socket;
  }

  #openTls(options: TcpNetConnectOpts): Socket {
    const { host = '' } = options;
    return connectTls({
      ...options,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      session: this.#session,
    }).on('session', (session) => {
      this.#session = session;
    });
  }
}
