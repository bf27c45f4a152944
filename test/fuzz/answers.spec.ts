import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CallResult } from '../../src/messages-api/call-result';
import { MessagesApiClient } from '../../src/messages-api/client';
import { ACCEPTED, answer, startRawServer, type RawServer } from '../messages-api/raw-server';
import { judgeAnswer, type AnswerVerdict } from './answer-oracle';
import { fromBuffer, toBuffer, type Bytes } from './bytes';
import { isLongForm } from './cases';
import { fuzz, type Checked } from './fuzz';
import { fuzzedAnswers, MAX_BODY_BYTES, type FuzzedAnswer } from './responses';

type Entry = Omit<FuzzedAnswer, 'bytes'> & { readonly bytes: Bytes };

const TIMEOUT_MS = 250;
/** How long a call may take after its deadline on a busy machine. A call without a deadline does not end at all. */
const MARGIN_MS = 5_000;
/** A fault of the input happens every time; a stall of the machine does not. */
const TRIES = 10;
const LANES = 12;
/** After so many cases a lane is replaced, so that its sockets and buffers are freed. */
const LANE_CASES = 200;
const REQUEST = {
  apiKey: 'planted-key',
  permit: { maySend: true },
  path: '/v1/messages/whatsapp/sendtext',
  body: '{"textMessage":"planted-text"}',
  idempotencyKey: 'c-1',
};
const EXPECTED: CallResult = {
  kind: 'accepted',
  httpStatus: 200,
  response: { id: 'msg_81', status: 'queued', error: '' },
};

/** A client with one connection, and a server that follows the lane's script. */
interface Lane {
  readonly server: RawServer;
  readonly client: MessagesApiClient;
  script: (socket: Socket) => void;
  cases: number;
}

const idle: Lane[] = [];
/** All lanes with open sockets, also those of a case that was given up. */
const open = new Set<Lane>();

async function openLane(): Promise<Lane> {
  const reopened = idle.pop();
  if (reopened !== undefined) return reopened;
  const told: Pick<Lane, 'script'> = { script: () => undefined };
  const server = await startRawServer((socket) => told.script(socket));
  const client = new MessagesApiClient({
    baseUrl: server.url,
    timeoutMs: TIMEOUT_MS,
    maxConnections: 1,
    maxResponseBytes: MAX_BODY_BYTES,
  });
  const lane = Object.assign(told, { server, client, cases: 0 });
  open.add(lane);
  return lane;
}

async function closeLane(lane: Lane): Promise<void> {
  open.delete(lane);
  await lane.client.close();
  await lane.server.close();
}

afterAll(async () => {
  await Promise.all(Array.from(open, closeLane));
});

fuzz<FuzzedAnswer, Entry>({
  name: 'answers',
  cases: fuzzedAnswers,
  check: checkAnswer,
  toEntry: (fuzzed) => ({ ...fuzzed, bytes: fromBuffer(fuzzed.bytes) }),
  fromEntry: (entry) => ({ ...entry, bytes: toBuffer(entry.bytes) }),
  mustSee: ['accepted', 'rejected', 'unreadable', 'limited', 'perhaps-sent', 'unauthorized', 'forbidden'],
  lanes: LANES,
});

async function checkAnswer(fuzzed: FuzzedAnswer): Promise<Checked> {
  const verdict = judgeAnswer(fuzzed.bytes, fuzzed.end, MAX_BODY_BYTES);
  for (let tries = 1; ; tries++) {
    const lane = await openLane();
    const { result, tookMs, next } = await callTwice(lane, fuzzed);
    if (++lane.cases < LANE_CASES) idle.push(lane);
    else await closeLane(lane);
    const faults = [
      ...faultsOf(result, verdict),
      ...(isLongForm && tookMs > TIMEOUT_MS + MARGIN_MS ? [`it took ${Math.round(tookMs)} ms`] : []),
    ];
    if (!isDeepStrictEqual(next, EXPECTED)) faults.push(`the next call came to ${JSON.stringify(next)}`);
    if (faults.length === 0) return { kind: result.kind, tookMs };
    if (tries === TRIES) throw new Error(faults.join('; '));
  }
}

interface Called {
  readonly result: CallResult;
  readonly tookMs: number;
  /** How the next call ended, on the same client. */
  readonly next: CallResult;
}

async function callTwice(lane: Lane, fuzzed: FuzzedAnswer): Promise<Called> {
  let sending: Promise<void> = Promise.resolve();
  lane.script = (socket) => {
    sending = send(socket, fuzzed);
  };
  const startedMs = performance.now();
  const result = await call(lane);
  const tookMs = performance.now() - startedMs;
  await sending;
  // Bytes that are still on their way belong to this answer. They must be read before the next request leaves.
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  lane.script = (socket) => void socket.write(answer('200 OK', ACCEPTED));
  let next = await call(lane);
  // If the client reads the reset before the first byte leaves, nothing was sent, and the caller tries again.
  for (let again = 0; next.kind === 'not-sent' && again < 3; again++) next = await call(lane);
  return { result, tookMs, next };
}

async function call({ client }: Lane): Promise<CallResult> {
  const result = await client.call(REQUEST);
  if (result.kind === 'withdrawn') throw new Error('withdrawn, without a permit');
  return result;
}

async function send(socket: Socket, { bytes, splits, end }: FuzzedAnswer): Promise<void> {
  const cuts = [0, ...splits.map((part) => Math.floor(part * bytes.length)), bytes.length];
  for (const [index, cut] of cuts.entries()) {
    const piece = bytes.subarray(cuts[index - 1] ?? 0, cut);
    if (piece.length === 0) continue;
    socket.write(piece);
    await nextTurn();
  }
  if (end === 'keep') return;
  // Bytes that have not left before a reset are lost. Then this would be another case.
  for (let turns = 0; end === 'reset' && turns < 3; turns++) await nextTurn();
  if (end === 'close') socket.end();
  else socket.resetAndDestroy();
}

function faultsOf(result: CallResult, { kinds, isWellFormed, response, retryAfterMs }: AnswerVerdict): string[] {
  const faults: string[] = [];
  if (!kinds.has(result.kind))
    faults.push(`it came to ${JSON.stringify(result)} instead of ${[...kinds].join(' or ')}`);
  // If the answer decided how the call ended, the detail is in the API's own words.
  const isOurs = result.httpStatus === null || result.kind === 'unreadable';
  if ('detail' in result && isOurs && !/^[\w ,.:]+$/.test(result.detail)) faults.push('its detail may hold content');
  if (JSON.stringify(result).length > 13_000) faults.push('it is kept whole');
  if (!isWellFormed) return faults;
  if (response !== null && 'response' in result && !isDeepStrictEqual(result.response, response)) {
    faults.push(`its response is ${JSON.stringify(result.response)}`);
  }
  if (result.kind === 'limited' && retryAfterMs !== null && result.retryAfterMs !== retryAfterMs) {
    faults.push(`it is to wait ${result.retryAfterMs} ms instead of ${retryAfterMs}`);
  }
  return faults;
}
