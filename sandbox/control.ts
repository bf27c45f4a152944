import { asciiJson, json } from './answers.ts';
import type { Reply } from './answers.ts';
import { faultsOf, isBehaviourPatch } from './behaviour.ts';
import type { Behaviour } from './behaviour.ts';
import type { CallRecord } from './api.ts';
import type { HttpRequest } from './http-parser.ts';
import type { Report } from './ledger.ts';

/** What the control endpoints read and change. */
export interface Controlled {
  report(): Report;
  calls(): readonly CallRecord[];
  accepted(key: string): number;
  reset(): void;
  setBehaviour(patch: Partial<Behaviour>): Promise<void>;
}

/** An answer, and what happens after it is written: a change of behaviour may close the very connection. */
export interface ControlAnswer {
  readonly reply: Reply;
  readonly afterwards?: () => Promise<void>;
}

type Route = (controlled: Controlled, request: HttpRequest, query: URLSearchParams) => ControlAnswer;

export const CONTROL_PREFIX = '/sandbox/';

const NO_CONTENT: Reply = { status: 204, headers: '', body: '' };

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET /sandbox/health', () => ({ reply: json(200, { status: 'ok' }) })],
  ['GET /sandbox/report', (controlled) => ({ reply: json(200, controlled.report()) })],
  ['GET /sandbox/calls', (controlled) => ({ reply: ndjson(controlled.calls()) })],
  ['GET /sandbox/accepted', acceptedTimes],
  ['PUT /sandbox/behaviour', changeBehaviour],
  [
    'POST /sandbox/reset',
    (controlled) => {
      controlled.reset();
      return { reply: NO_CONTENT };
    },
  ],
]);

/** Answers a request whose target starts with `CONTROL_PREFIX`. Such requests are no calls of the API. */
export function control(controlled: Controlled, request: HttpRequest): ControlAnswer {
  const [path = '', query = ''] = request.target.split('?', 2);
  const route = ROUTES.get(`${request.method} ${path}`);
  if (route === undefined) return { reply: json(404, { error: 'no such control endpoint' }) };
  return route(controlled, request, new URLSearchParams(query));
}

function acceptedTimes(controlled: Controlled, _request: HttpRequest, query: URLSearchParams): ControlAnswer {
  const key = query.get('key');
  if (key === null) return { reply: json(400, { error: 'key: must be given in the query' }) };
  return { reply: json(200, { key, accepted: controlled.accepted(key) }) };
}

function changeBehaviour(controlled: Controlled, request: HttpRequest): ControlAnswer {
  let patch: unknown;
  try {
    patch = JSON.parse(request.body.toString());
  } catch {
    return { reply: json(400, { errors: ['must be JSON'] }) };
  }
  if (!isBehaviourPatch(patch)) return { reply: json(400, { errors: faultsOf(patch) }) };
  const valid = patch;
  return { reply: NO_CONTENT, afterwards: () => controlled.setBehaviour(valid) };
}

function ndjson(records: readonly CallRecord[]): Reply {
  const body = records.map((record) => `${asciiJson(record)}\n`).join('');
  return { status: 200, headers: 'Content-Type: application/x-ndjson\r\n', body };
}
