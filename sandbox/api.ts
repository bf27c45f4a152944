import { isUtf8 } from 'node:buffer';
import { accepted, failed, whole } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Behaviour, Outage } from './behaviour.ts';
import { FAULTS } from './fault-table.ts';
import type { FaultName } from './fault-table.ts';
import { FaultChooser } from './faults.ts';
import type { HttpRequest } from './http-parser.ts';
import { Ledger } from './ledger.ts';
import type { RecipientState, Report } from './ledger.ts';
import { RateLimiter } from './rate-limits.ts';
import { OPERATIONS, checkRequest } from './schemas.ts';
import type { Operation } from './schemas.ts';

/** One line of the call log. A field is '' if the call failed before the field was read. */
export interface CallRecord {
  /** In ms since the epoch. */
  readonly at: number;
  readonly path: string;
  readonly key: string;
  readonly recipient: string;
  readonly workspace: string;
  /** The HTTP status, or `reset` or `hang`. */
  readonly status: number | string;
  readonly fault: FaultName | null;
  readonly accepted: boolean;
}

/** A call whose end is decided. Give it back to `finish` when it is answered or its connection has closed. */
export interface Call {
  readonly answer: Answer;
  readonly recipient: RecipientState | null;
  readonly ledger: Ledger;
}

interface Verdict {
  readonly answer: Answer;
  readonly operation: Operation | null;
  readonly state: RecipientState | null;
  readonly recipient: string;
  readonly workspace: string;
  readonly fault: FaultName | null;
  readonly accepted: boolean;
}

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** The only verdict of each outage. During `refuse` no request arrives; one that has been read already is dropped. */
const OUTAGE_ANSWERS: Readonly<Record<Outage['mode'], Answer>> = {
  refuse: { delivery: 'reset' },
  reset: { delivery: 'reset' },
  hang: { delivery: 'hang' },
  '500': whole(failed(500, 'simulated outage')),
  '503': whole(failed(503, 'simulated outage')),
};

/**
 * The part of the Messages API that needs no socket. The end of a call is decided when its last byte has arrived. A
 * message is taken at that moment, even if the caller leaves before the latency has passed, as with any real service.
 */
export class MessagesApi {
  #behaviour: Behaviour;
  #validKeys: ReadonlySet<string>;
  #limiter: RateLimiter;
  #ledger = new Ledger();
  #log: CallRecord[] = [];
  #messages = 0;
  readonly #faults: FaultChooser;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#validKeys = validKeys(behaviour);
    this.#limiter = new RateLimiter(behaviour.rateLimits);
    this.#faults = new FaultChooser(behaviour);
  }

  configure(next: Behaviour): void {
    if (next.rateLimits !== this.#behaviour.rateLimits) this.#limiter = new RateLimiter(next.rateLimits);
    this.#behaviour = next;
    this.#validKeys = validKeys(next);
    this.#faults.configure(next);
  }

  /** Forgets all calls, and starts limits and faults again. Calls in progress are not counted any more. */
  reset(): void {
    this.#ledger = new Ledger();
    this.#log = [];
    this.#limiter = new RateLimiter(this.#behaviour.rateLimits);
    this.#faults.reset();
  }

  report(): Report {
    return this.#ledger.report();
  }

  calls(): readonly CallRecord[] {
    return this.#log;
  }

  timesAccepted(key: string): number {
    return this.#ledger.timesAccepted(key);
  }

  receive(request: HttpRequest): Call {
    const at = Date.now();
    const path = pathOf(request.target);
    const key = request.idempotencyKey ?? '';
    const verdict = this.#judge(request, path, key);
    const { answer, state } = verdict;
    const status = 'reply' in answer ? answer.reply.status : answer.delivery;
    this.#ledger.begin(state, status, verdict.operation === null ? null : verdict.operation.name);
    if (verdict.accepted && state !== null) this.#ledger.accept(key, state, at);
    if (this.#behaviour.recordCalls) {
      const { recipient, workspace, fault } = verdict;
      this.#log.push({ at, path, key, recipient, workspace, status, fault, accepted: verdict.accepted });
    }
    return { answer, recipient: state, ledger: this.#ledger };
  }

  finish(call: Call): void {
    call.ledger.end(call.recipient);
  }

  #judge(request: HttpRequest, path: string, key: string): Verdict {
    const operation = OPERATIONS.get(path) ?? null;
    const { outage } = this.#behaviour;
    if (outage !== null) return unread(operation, OUTAGE_ANSWERS[outage.mode]);
    if (operation === null) return refused(operation, 404, 'no such endpoint');
    if (request.method !== 'POST') return refused(operation, 405, 'method not allowed', 'Allow: POST\r\n');
    if (request.apiKey === null || !this.#validKeys.has(request.apiKey)) {
      return refused(operation, 401, request.apiKey === null ? 'missing x-api-key' : 'unknown x-api-key');
    }
    if (request.contentType === null || !isJsonType(request.contentType)) {
      return refused(operation, 415, 'content-type: must be application/json');
    }
    const body = parseJson(request.body);
    if (body === undefined) return refused(operation, 400, 'body: must be JSON in UTF-8');
    const addressee = checkRequest(operation, body);
    if (typeof addressee === 'string') return refused(operation, 400, addressee);
    const { workspace, recipient } = addressee;
    const scope = { key, recipient, workspace, channel: operation.channel };
    const state = this.#ledger.recipient(operation.channel, recipient);
    const verdict = { operation, state, recipient, workspace, fault: null, accepted: false };
    if (!this.#isAllowed(request.apiKey, workspace)) {
      return { ...verdict, answer: whole(failed(403, 'x-api-key: not allowed for this workspace')) };
    }
    const waitMs = this.#limiter.admit(scope, performance.now());
    if (waitMs > 0) {
      return { ...verdict, answer: whole(failed(429, 'rate limit exceeded', this.#retryAfter(waitMs))) };
    }
    const fault = this.#faults.choose(scope);
    if (fault === null) {
      const answer = whole(accepted(`msg_${++this.#messages}`));
      return { answer, operation, state, recipient, workspace, fault, accepted: true };
    }
    const { accepts, answer } = FAULTS[fault];
    const context = {
      messageId: accepts ? `msg_${++this.#messages}` : '',
      redirectLocation: this.#behaviour.redirectLocation,
      retryAfter: this.#retryAfter(1000),
    };
    return { ...verdict, answer: answer(context), fault, accepted: accepts };
  }

  #isAllowed(apiKey: string, workspace: string): boolean {
    const { workspaceKeys, apiKeys } = this.#behaviour;
    return Object.hasOwn(workspaceKeys, workspace) ? workspaceKeys[workspace] === apiKey : apiKeys.includes(apiKey);
  }

  /** Rounded up, so that a caller who waits as told is not early. */
  #retryAfter(waitMs: number): string {
    const style = this.#behaviour.retryAfter;
    if (typeof style === 'number') return `Retry-After: ${style}\r\n`;
    const seconds = Math.ceil(waitMs / 1000);
    switch (style) {
      case 'seconds':
        return `Retry-After: ${seconds}\r\n`;
      case 'date':
        return `Retry-After: ${new Date(Math.ceil((Date.now() + waitMs) / 1000) * 1000).toUTCString()}\r\n`;
      case 'garbage':
        return 'Retry-After: presently\r\n';
      case 'none':
        return '';
    }
  }
}

function validKeys(behaviour: Behaviour): ReadonlySet<string> {
  return new Set([...behaviour.apiKeys, ...Object.values(behaviour.workspaceKeys)]);
}

function refused(operation: Operation | null, status: number, error: string, headers = ''): Verdict {
  return unread(operation, whole(failed(status, error, headers)));
}

function unread(operation: Operation | null, answer: Answer): Verdict {
  return { answer, operation, state: null, recipient: '', workspace: '', fault: null, accepted: false };
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

function isJsonType(contentType: string): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(contentType);
}

/** Returns undefined for text that is no JSON: JSON itself has no such value. */
function parseJson(body: Buffer): unknown {
  const text = body.toString('utf8');
  // Decoding replaces invalid UTF-8 by U+FFFD, but a text may also contain that character itself.
  if (text.includes('\ufffd') && !isUtf8(body)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
