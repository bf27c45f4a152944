import { isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';
import { StaggeredConnect } from './staggered-connect';

/** With TCP keep-alive the kernel notices idle connections that a NAT or firewall has dropped. */
const TCP_KEEP_ALIVE_DELAY_MS = 60_000;

/** A connection that is being opened. */
export interface Opening {
  /** Gives it up. The callback is then called with an error. */
  destroy(reason: Error): void;
}

/**
 * Opens the sockets of one API. Unlike undici's own connector it returns at once an object with which the caller can
 * give up the attempt. It has no timeout: the deadline of the call ends it. By ALPN it offers HTTP/1.1 only.
 */
export class Connector {
  /** The last TLS session, so that reconnects need no full handshake. */
  private session: Buffer | undefined;

  /** Opens a socket. Calls `callback` once, when the socket is ready (with TLS: after the handshake) or has failed. */
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
      else if (secure) handshake = this.secure(socket, target.hostname, callback);
      else callback(null, withListener(socket));
    });
    return {
      destroy: (reason) => {
        if (handshake === null) connecting.destroy(reason);
        else handshake.destroy(reason);
      },
    };
  }

  private secure(socket: Socket, host: string, callback: buildConnector.Callback): TLSSocket {
    let settle: buildConnector.Callback | null = callback;
    const tls = connectTls({
      socket,
      // The name that the certificate must have, if there is no server name.
      host,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      session: this.session,
    });
    return tls
      .on('session', (session) => {
        this.session = session;
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

/**
 * undici removes its own listener before the last errors of a socket. Without another one they would end the process.
 */
function withListener(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}
