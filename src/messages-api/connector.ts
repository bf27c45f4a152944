import { isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { StaggeredConnect } from './staggered-connect';

/** Lets idle connections through NATs and firewalls be noticed as dead. */
const TCP_KEEP_ALIVE_DELAY_MS = 60_000;

/** A connection that is being opened. */
export interface Opening {
  /** Gives it up; its callback hears of it. */
  destroy(reason: Error): void;
}

/**
 * Opens the sockets of one API. Unlike undici's own connector it hands out what it opens at once, so that an attempt can be
 * given up; it has no timeout, since the deadline of the call does that. HTTP/1.1 only: it offers no other by ALPN.
 */
export class Connector {
  /** Last TLS session, to spare reconnects the full handshake. */
  #session: Buffer | undefined;

  /** Opens a socket; `callback` is called once, when it is ready (with TLS: after the handshake) or has failed. */
  open(target: buildConnector.Options, callback: buildConnector.Callback): Opening {
    const secure = target.protocol === 'https:';
    const options: TcpNetConnectOpts = {
      host: target.hostname,
      port: Number(target.port || (secure ? 443 : 80)),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY_MS,
    };
    let handshake: TLSSocket | null = null;
    const connecting = new StaggeredConnect(options, (error, socket) => {
      if (socket === null) callback(error ?? new Error('not connected'), null);
      else if (secure) handshake = this.#secure(socket, target.hostname, callback);
      else callback(null, withListener(socket));
    });
    return {
      destroy: (reason) => {
        if (handshake === null) connecting.destroy(reason);
        else handshake.destroy(reason);
      },
    };
  }

  #secure(socket: Socket, host: string, callback: buildConnector.Callback): TLSSocket {
    let settle: buildConnector.Callback | null = callback;
    const tls = connectTls({
      socket,
      // Which name the certificate has to bear, where there is no server name.
      host,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      session: this.#session,
    });
    return tls
      .on('session', (session) => {
        this.#session = session;
      })
      .once('secureConnect', () => {
        settle?.(null, tls);
        settle = null;
      })
      .on('error', (error) => {
        settle?.(error, null);
        settle = null;
      });
  }
}

/** undici takes its own listener away before the last errors of a socket, which would end the process. */
function withListener(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}
