import { connect as connectTcp, isIP } from 'node:net';
import type { Socket, TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { buildConnector } from 'undici';

/** With TCP keep-alive the kernel notices idle connections that a NAT or firewall has dropped. */
const TCP_KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * Opens the sockets of one API. Unlike undici's own connector it returns the socket at once, so that the caller can
 * give up the attempt. It has no timeout: the deadline of the call ends it. By ALPN it offers HTTP/1.1 only.
 */
export class Connector {
  /** The last TLS session, so that reconnects need no full handshake. */
  private session: Buffer | undefined;

  /** Opens a socket. Calls `callback` once, when the socket is ready (with TLS: after the handshake) or has failed. */
  open(target: buildConnector.Options, callback: buildConnector.Callback): Socket {
    const secure = target.protocol === 'https:';
    const options: TcpNetConnectOpts = {
      host: target.hostname,
      port: Number(target.port || (secure ? 443 : 80)),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_DELAY_MS,
    };
    const socket = secure ? this.openTls(options) : connectTcp(options);
    let settle: buildConnector.Callback | null = callback;
    socket
      .once(secure ? 'secureConnect' : 'connect', () => {
        settle?.(null, socket);
        settle = null;
      })
      // Stays for the socket's whole life: undici removes its own listener before the last errors of a socket.
      .on('error', (error) => {
        settle?.(error, null);
        settle = null;
      });
    return socket;
  }

  private openTls(options: TcpNetConnectOpts): Socket {
    const { host = '' } = options;
    return connectTls({
      ...options,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      session: this.session,
    }).on('session', (session) => {
      this.session = session;
    });
  }
}
