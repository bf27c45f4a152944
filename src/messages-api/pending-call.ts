import type { Dispatcher } from 'undici';
import { Node } from 'yallist';
import type { CallResult, SendPermit, Withdrawn } from './call-result';
import { classify } from './classify';
import type { Incomplete } from './classify';
import type { Connection } from './connection';
import { decodeContent } from './content-coding';

/** Why this service ended a call. */
export type StopReason = 'timeout' | 'closed';

/** The client that a call belongs to. */
export interface CallOwner {
  /** Length of the longest body that is read, after decompression. */
  readonly maxResponseBytes: number;
  /** The result is known. The connection may still be busy with the call. */
  settled(call: PendingCall, result: CallResult | Withdrawn): void;
  /** undici has finished with the call: the connection can take the next one. */
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
 * One call from start to result. It is also undici's handler for the call: one object and no closures, since this is
 * the hot path.
 *
 * undici calls `onRequestStart` right before it writes the request onto a connected socket, in the same tick. Before it
 * nothing has left (`not-sent`); after it something may have (`perhaps-sent`). Only this call decides between the two.
 * An error's code never does, since the same codes come before and after it.
 */
export class PendingCall implements Dispatcher.DispatchHandler {
  /** Its node in the client's list of calls. */
  readonly pendingNode = new Node<PendingCall>(this);
  private connection: Connection | null = null;
  private controller: Dispatcher.DispatchController | null = null;
  private stopped: StopReason | null = null;
  private isSettled = false;
  /** Status of the final answer; 0 before there is one. */
  private status = 0;
  private retryAfter: string | undefined;
  private contentEncoding: string | undefined;
  private chunk: Buffer | null = null;
  private furtherChunks: Buffer[] | null = null;

  /** @param deadlineMs by the monotonic clock, `performance.now()` */
  constructor(
    readonly request: Dispatcher.DispatchOptions,
    readonly permit: SendPermit,
    readonly deadlineMs: number,
    readonly resolve: (result: CallResult | Withdrawn) => void,
    readonly owner: CallOwner,
  ) {}

  /** Gives the call to a connection that has no other call. */
  start(connection: Connection): void {
    this.connection = connection;
    connection.dispatch(this.request, this);
  }

  /** Ends the call now; its result is what is known by then. Does nothing to a call that has its result. */
  stop(reason: StopReason): void {
    if (this.isSettled) return;
    this.stopped = reason;
    if (this.controller === null) {
      this.settle({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: NOT_SENT[reason] });
      this.connection?.abandonConnect(STOPPED[reason]);
    } else {
      this.controller.abort(STOPPED[reason]);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // undici drops a request unwritten if it is aborted in here.
    if (this.isSettled) controller.abort(STOPPED[this.stopped ?? 'closed']);
    else if (!this.permit.maySend) {
      this.settle({ kind: 'withdrawn' });
      controller.abort(WITHDRAWN);
    } else this.controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // An interim answer (102, 103): the final answer follows.
    if (status < 200) return;
    this.status = status;
    const retryAfter = headers['retry-after'];
    this.retryAfter = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
    const contentEncoding = headers['content-encoding'];
    this.contentEncoding = Array.isArray(contentEncoding) ? contentEncoding.join() : contentEncoding;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.chunk === null) this.chunk = chunk;
    else (this.furtherChunks ??= [this.chunk]).push(chunk);
  }

  onResponseEnd(): void {
    const body = this.furtherChunks === null ? (this.chunk ?? Buffer.alloc(0)) : Buffer.concat(this.furtherChunks);
    const codings = this.contentEncoding;
    this.settleAnswered(codings === undefined ? body : decodeContent(body, codings, this.owner.maxResponseBytes));
    this.release();
  }

  /** Also called if undici refuses the request, or loses the connection before the request was written. */
  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = errorCode(error);
    if (this.status !== 0) this.settleAnswered(this.whyIncomplete(code));
    else if (this.controller === null) {
      this.settle({ kind: 'not-sent', reason: 'connect', httpStatus: null, detail: `not sent: ${code}` });
    } else this.settle(this.unanswered(code));
    this.release();
  }

  private whyIncomplete(code: string): Incomplete {
    if (this.stopped === 'timeout') return 'timeout';
    return code === TOO_LARGE ? 'too-large' : 'cut-off';
  }

  private unanswered(code: string): CallResult {
    return this.stopped === 'timeout'
      ? { kind: 'perhaps-sent', reason: 'timeout', httpStatus: null, detail: 'no answer by the deadline' }
      : {
          kind: 'perhaps-sent',
          reason: 'reset',
          httpStatus: null,
          detail: this.stopped === 'closed' ? 'the client was closed before the answer' : `no answer: ${code}`,
        };
  }

  private settleAnswered(body: Buffer | Incomplete): void {
    this.settle(classify({ status: this.status, retryAfter: this.retryAfter, body }, Date.now()));
  }

  private settle(result: CallResult | Withdrawn): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.owner.settled(this, result);
  }

  private release(): void {
    const connection = this.connection;
    this.connection = null;
    if (connection !== null) this.owner.released(connection);
  }
}

/** A code is a plain word. A message is not used, since it might repeat what the call sent. */
function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
