import { lookup, type LookupAddress } from 'node:dns';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';

/** RFC 8305, section 5: the Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;

/** Called once: with a connected socket, or with the error for which there is none. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/**
 * Opens one TCP connection to a host that may have several addresses (RFC 8305). It tries the next address once the one
 * before has failed, or beside it after 250 ms, and takes the first that connects. Node's own `autoSelectFamily` gives
 * an address up for ever after 250 ms, so it would never reach an API that is slow to accept.
 *
 * It has no deadline: the caller must destroy it.
 */
export class StaggeredConnect {
  private readonly options: TcpNetConnectOpts;
  private readonly connected: Connected;
  private readonly trying = new Set<Socket>();
  private untried: readonly LookupAddress[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(options: TcpNetConnectOpts, connected: Connected) {
    this.options = options;
    this.connected = connected;
    const { host = '' } = options;
    const family = isIP(host);
    if (family !== 0) this.begin([{ address: host, family }]);
    else lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => this.resolved(error, addresses));
  }

  /** Gives up. Unless `connected` was called before, it is called with the error in the next tick. */
  destroy(error: Error): void {
    if (this.isOver) return;
    this.stop();
    process.nextTick(() => this.connected(error, null));
  }

  private resolved(error: Error | null, addresses: readonly LookupAddress[]): void {
    if (error === null) this.begin(interleaved(addresses));
    else this.end(error, null);
  }

  private begin(addresses: readonly LookupAddress[]): void {
    this.untried = addresses;
    this.tryNext();
  }

  private tryNext(): void {
    clearTimeout(this.timer);
    const [next, ...others] = this.untried;
    if (this.isOver || next === undefined) return;
    this.untried = others;
    const socket = connect({ ...this.options, host: next.address, family: next.family, autoSelectFamily: false });
    this.trying.add(socket);
    const failed = (error: Error): void => {
      this.trying.delete(socket);
      if (this.untried.length > 0) this.tryNext();
      else if (this.trying.size === 0) this.end(error, null);
    };
    socket.once('error', failed).once('connect', () => {
      socket.off('error', failed);
      this.trying.delete(socket);
      this.end(null, socket);
    });
    if (others.length > 0) this.timer = setTimeout(() => this.tryNext(), ATTEMPT_DELAY_MS);
  }

  private end(error: Error | null, socket: Socket | null): void {
    if (this.isOver) return;
    this.stop();
    this.connected(error, socket);
  }

  private stop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    for (const socket of this.trying) socket.on('error', () => undefined).destroy();
  }
}

/** The addresses with alternating families, beginning with the first address (RFC 8305, section 4). */
function interleaved(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const [first] = addresses;
  const same = addresses.filter(({ family }) => family === first?.family);
  const other = addresses.filter(({ family }) => family !== first?.family);
  const turns = Array.from({ length: Math.max(same.length, other.length) }, (_, at) => [same[at], other[at]]);
  return turns.flat().filter((address) => address !== undefined);
}
