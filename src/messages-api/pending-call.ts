import type { Dispatcher } from 'undici';
import { Node } from 'yallist';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { classify } from './classify';
import type { Incomplete } from './classify';
import type { Connection } from './connection';
import { decodeContent } from './content-coding';

/** Why a call was ended from this side. */
export type StopReason = 'timeout' | 'closed';

/** What a call tells the client that it belongs to. */
export interface CallOwner {
  /** Longest body that is read, decompressed. */
  readonly maxResponseBytes: number;
  /** The result is known; the connection may still be busy with it. */
  settled(call: PendingCall, result: CallResult | Withdrawn): void;
  /** undici has let go of the call: the connection can take the next one. */
  released(connection: Connection): void;
}

const STOPPED: Readonly<Record<StopReason, Error>> = {
  timeout: new Error('the deadline passed'),
  closed: new Error('the client is closed'),
};

const WITHDRAWN = new Error('the permit to send was withdrawn');

const NOT_SENT: Readonly<Record<StopReason, string>> = {
  timeout: 'no connection by the deadline',
  closed: 'the client was closed before it was sent',
};

/** undici's code for an answer above `maxResponseSize`. */
const TOO_LARGE = 'UND_ERR_RES_EXCEEDED_MAX_SIZE';

/**
 * One call from start to result, and undici's handler for it (one object, no closures: this is the hot path).
 *
 * undici calls `onRequestStart` right before it writes the request, in the same tick, onto a connected socket: until then
 * nothing has left (`not-sent`), from then on something may have (`perhaps-sent`). Only this line decides between the
 * two, never an error's code, since the same codes come before and after it.
 */
export class PendingCall implements Dispatcher.DispatchHandler {
  /** Its place among the client's calls. */
  readonly place = new Node<PendingCall>(this);
  #connection: Connection | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #stopped: StopReason | null = null;
  #settled = false;
  /** Status of the final answer, 0 before there is one. */
  #status = 0;
  #retryAfter: string | undefined;
  #contentEncoding: string | undefined;
  #chunk: Buffer | null = null;
  #furtherChunks: Buffer[] | null = null;

  /** @param deadlineMs on the monotonic clock of `performance.now()` */
  constructor(
    readonly request: Dispatcher.DispatchOptions,
    readonly permit: SendPermit,
    readonly deadlineMs: number,
    readonly resolve: (result: CallResult | Withdrawn) => void,
    readonly owner: CallOwner,
  ) {}

  /** Hands the call to a connection that has no other. */
  start(connection: Connection): void {
    this.#connection = connection;
    connection.dispatch(this.request, this);
  }

  /** Ends the call now, with what is known of it. Does nothing to one that has its result. */
  stop(reason: StopReason): void {
    if (this.#settled) return;
    this.#stopped = reason;
    if (this.#controller === null) {
      this.#settle({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: NOT_SENT[reason] });
      this.#connection?.abandonConnect(STOPPED[reason]);
    } else {
      this.#controller.abort(STOPPED[reason]);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Aborted in here, a request is dropped unwritten.
    if (this.#settled) controller.abort(STOPPED[this.#stopped ?? 'closed']);
    else if (!this.permit.maySend) {
      this.#settle({ kind: 'withdrawn' });
      controller.abort(WITHDRAWN);
    } else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // An interim answer (102, 103): the final one follows.
    if (status < 200) return;
    this.#status = status;
    const retryAfter = headers['retry-after'];
    this.#retryAfter = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
    const contentEncoding = headers['content-encoding'];
    this.#contentEncoding = Array.isArray(contentEncoding) ? contentEncoding.join() : contentEncoding;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#chunk === null) this.#chunk = chunk;
    else (this.#furtherChunks ??= [this.#chunk]).push(chunk);
  }

  onResponseEnd(): void {
    const body = this.#furtherChunks === null ? (this.#chunk ?? Buffer.alloc(0)) : Buffer.concat(this.#furtherChunks);
    const codings = this.#contentEncoding;
    this.#settleAnswered(codings === undefined ? body : decodeContent(body, codings, this.owner.maxResponseBytes));
    this.#release();
  }

  /** Also called when undici refuses the request, or loses the connection before it was written. */
  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = errorCode(error);
    if (this.#status !== 0) this.#settleAnswered(this.#whyIncomplete(code));
    else if (this.#controller === null) {
      this.#settle({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: `not sent: ${code}` });
    } else this.#settle(this.#unanswered(code));
    this.#release();
  }

  #whyIncomplete(code: string): Incomplete {
    if (this.#stopped === 'timeout') return 'timeout';
    return code === TOO_LARGE ? 'too-large' : 'cut-off';
  }

  #unanswered(code: string): CallResult {
    return this.#stopped === 'timeout'
      ? { kind: 'perhaps-sent', reason: 'timeout', httpStatus: null, detail: 'no answer by the deadline' }
      : {
          kind: 'perhaps-sent',
          reason: 'reset',
          httpStatus: null,
          detail: this.#stopped === 'closed' ? 'the client was closed before the answer' : `no answer: ${code}`,
        };
  }

  #settleAnswered(body: Buffer | Incomplete): void {
    this.#settle(classify({ status: this.#status, retryAfter: this.#retryAfter, body }, Date.now()));
  }

  #settle(result: CallResult | Withdrawn): void {
    if (this.#settled) return;
    this.#settled = true;
    this.owner.settled(this, result);
  }

  #release(): void {
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.owner.released(connection);
  }
}

/** A code is a plain word; a message might repeat what the call sent. */
function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
