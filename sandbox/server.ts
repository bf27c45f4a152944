import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { whole } from './answers.ts';
import { MessagesApi } from './api.ts';
import type { CallRecord } from './api.ts';
import { DEFAULT_BEHAVIOUR, faultsOf } from './behaviour.ts';
import type { Behaviour, Outage } from './behaviour.ts';
import { Connection } from './connection.ts';
import type { ConnectionHost, Handling } from './connection.ts';
import { CONTROL_PREFIX, control } from './control.ts';
import { DelayQueue } from './delay-queue.ts';
import type { HttpRequest } from './http-parser.ts';
import type { Report } from './ledger.ts';
import { seededRandom } from './random.ts';
import type { Random } from './random.ts';

/** `host` defaults to 127.0.0.1, `port` to any free one. */
export interface SandboxOptions {
  readonly host?: string;
  readonly port?: number;
  readonly behaviour?: Partial<Behaviour>;
}

/** A running sandbox. */
export interface Sandbox {
  readonly port: number;
  readonly url: string;
  readonly behaviour: Behaviour;
  /**
   * Replaces the given settings, each as a whole. Resolves when they are in effect, which takes a moment for an outage
   * that refuses connections. Throws a TypeError with the names of malformed settings.
   */
  setBehaviour(patch: Partial<Behaviour>): Promise<void>;
  report(): Report;
  /** Empty unless `recordCalls` is set. */
  calls(): readonly CallRecord[];
  /** How often a command was accepted, by Idempotency-Key. */
  accepted(key: string): number;
  /** Forgets all calls. The behaviour stays. */
  reset(): void;
  /** Closes all connections. May be called again. */
  stop(): Promise<void>;
}

/** Resolves when it listens; rejects if the port is not free. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const server = new SandboxServer(options.host ?? '127.0.0.1', options.port ?? 0);
  await server.start(options.behaviour ?? {});
  return server;
}

class SandboxServer implements Sandbox, ConnectionHost {
  readonly #host: string;
  readonly #delays = new DelayQueue();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #api = new MessagesApi(DEFAULT_BEHAVIOUR);
  #behaviour = DEFAULT_BEHAVIOUR;
  #port: number;
  #random: Random = seededRandom(DEFAULT_BEHAVIOUR.seed);
  #outageTimer: NodeJS.Timeout | null = null;
  /** Opens and closes of the port, one after the other. */
  #transition: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#server = createServer({ noDelay: true }, (socket) => this.#connect(socket));
  }

  async start(behaviour: Partial<Behaviour>): Promise<void> {
    requireValid(behaviour);
    await this.#listen();
    await this.setBehaviour(behaviour);
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${this.#port}`;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  async setBehaviour(patch: Partial<Behaviour>): Promise<void> {
    requireValid(patch);
    const previous = this.#behaviour;
    this.#behaviour = { ...previous, ...patch };
    this.#api.configure(this.#behaviour);
    if (this.#behaviour.seed !== previous.seed) this.#random = seededRandom(this.#behaviour.seed);
    if (patch.outage !== undefined) await this.#setOutage(patch.outage);
  }

  report(): Report {
    return this.#api.report();
  }

  calls(): readonly CallRecord[] {
    return this.#api.calls();
  }

  accepted(key: string): number {
    return this.#api.timesAccepted(key);
  }

  reset(): void {
    this.#api.reset();
    this.#random = seededRandom(this.#behaviour.seed);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#outageTimer !== null) clearTimeout(this.#outageTimer);
    this.#delays.clear();
    await this.#shut();
  }

  handle(request: HttpRequest): Handling {
    if (request.target.startsWith(CONTROL_PREFIX)) return this.#control(request);
    const call = this.#api.receive(request);
    const { latencyMs, jitterMs } = this.#behaviour;
    const delayMs = jitterMs === 0 ? latencyMs : latencyMs + this.#random() * jitterMs;
    return { answer: call.answer, delayMs, finished: () => this.#api.finish(call) };
  }

  later(delayMs: number, run: () => void): void {
    this.#delays.add(delayMs, run);
  }

  #control(request: HttpRequest): Handling {
    const { reply, afterwards } = control(this, request);
    return { answer: whole(reply), delayMs: 0, finished: () => void afterwards?.() };
  }

  #connect(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    new Connection(socket, this);
  }

  async #setOutage(outage: Outage | null): Promise<void> {
    if (this.#outageTimer !== null) clearTimeout(this.#outageTimer);
    this.#outageTimer = null;
    if (outage?.forMs !== undefined) {
      this.#outageTimer = setTimeout(() => void this.setBehaviour({ outage: null }), outage.forMs);
    }
    await (outage?.mode === 'refuse' ? this.#shut() : this.#listen());
  }

  #listen(): Promise<void> {
    this.#transition = this.#transition.then(async () => {
      if (this.#server.listening || this.#isStopped) return;
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ host: this.#host, port: this.#port, backlog: 1024 }, () => {
          this.#server.off('error', reject);
          resolve();
        });
      });
      const address = this.#server.address();
      if (typeof address === 'object' && address !== null) this.#port = address.port;
    });
    return this.#transition;
  }

  #shut(): Promise<void> {
    this.#transition = this.#transition.then(async () => {
      if (!this.#server.listening) return;
      await new Promise<void>((resolve) => {
        this.#server.close(() => resolve());
        for (const socket of this.#sockets) socket.destroy();
      });
    });
    return this.#transition;
  }
}

function requireValid(patch: Partial<Behaviour>): void {
  const faults = faultsOf(patch);
  if (faults.length > 0) throw new TypeError(`sandbox behaviour: ${faults.join('; ')}`);
}
