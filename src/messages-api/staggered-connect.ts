import { lookup, type LookupAddress } from 'node:dns';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';

/** RFC 8305, section 5: the Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;

/** Called once: with a connected socket, or with why there is none. */
export type Connected = (error: Error | null, socket: Socket | null) => void;

/**
 * Opens one TCP connection to a host that may have several addresses (RFC 8305): the next address is tried as soon as the
 * one before has failed, or beside it after 250 ms; the first to connect is taken. Node's own `autoSelectFamily` gives an
 * address up for good after those 250 ms, so an API that is merely slow to accept would not be reached at all.
 *
 * It has no deadline: its caller destroys it.
 */
export class StaggeredConnect {
  readonly #options: TcpNetConnectOpts;
  readonly #connected: Connected;
  readonly #trying = new Set<Socket>();
  #untried: readonly LookupAddress[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: TcpNetConnectOpts, connected: Connected) {
    this.#options = options;
    this.#connected = connected;
    const { host = '' } = options;
    const family = isIP(host);
    if (family !== 0) this.#begin([{ address: host, family }]);
    else lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => this.#resolved(error, addresses));
  }

  /** Gives up. `connected` hears of it in the next turn, unless it was called before. */
  destroy(error: Error): void {
    if (this.#isOver) return;
    this.#stop();
    process.nextTick(() => this.#connected(error, null));
  }

  #resolved(error: Error | null, addresses: readonly LookupAddress[]): void {
    if (error === null) this.#begin(interleaved(addresses));
    else this.#end(error, null);
  }

  #begin(addresses: readonly LookupAddress[]): void {
    this.#untried = addresses;
    this.#tryNext();
  }

  #tryNext(): void {
    clearTimeout(this.#timer);
    const [next, ...others] = this.#untried;
    if (this.#isOver || next === undefined) return;
    this.#untried = others;
    const socket = connect({ ...this.#options, host: next.address, family: next.family, autoSelectFamily: false });
    this.#trying.add(socket);
    const failed = (error: Error): void => {
      this.#trying.delete(socket);
      if (this.#untried.length > 0) this.#tryNext();
      else if (this.#trying.size === 0) this.#end(error, null);
    };
    socket.once('error', failed).once('connect', () => {
      socket.off('error', failed);
      this.#trying.delete(socket);
      this.#end(null, socket);
    });
    if (others.length > 0) this.#timer = setTimeout(() => this.#tryNext(), ATTEMPT_DELAY_MS);
  }

  #end(error: Error | null, socket: Socket | null): void {
    if (this.#isOver) return;
    this.#stop();
    this.#connected(error, socket);
  }

  #stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const socket of this.#trying) socket.on('error', () => undefined).destroy();
  }
}

/** The addresses with their families in turn, the first one's first (RFC 8305, section 4). */
function interleaved(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
  const [first] = addresses;
  const same = addresses.filter(({ family }) => family === first?.family);
  const other = addresses.filter(({ family }) => family !== first?.family);
  const turns = Array.from({ length: Math.max(same.length, other.length) }, (_, at) => [same[at], other[at]]);
  return turns.flat().filter((address) => address !== undefined);
}
