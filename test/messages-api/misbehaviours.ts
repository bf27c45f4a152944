import type { Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Outcome } from '../../src/contract/outcome';
import type { CallResult } from '../../src/messages-api/call-result';
import { ACCEPTED, answer } from './raw-server';

/** Something that an API should not do, and the expected result. */
export interface Misbehaviour {
  readonly name: string;
  /** Answers one complete request. */
  readonly answer: (socket: Socket) => void;
  /** Result of the call. */
  readonly kind: CallResult['kind'];
  /** Outcome of the command with one attempt and `at-least-once`. */
  readonly outcome: Outcome;
  readonly httpStatus: number | null;
  /** Whether only the deadline of the call ends it. */
  readonly isEndless: boolean;
}

/** Results of the table's rows. The outcome follows from the kind of the result. */
const END = {
  accepted: { kind: 'accepted', outcome: 'accepted' },
  rejected: { kind: 'rejected', outcome: 'rejected' },
  inDoubt: { kind: 'unreadable', outcome: 'in-doubt' },
  failed: { kind: 'perhaps-sent', outcome: 'failed' },
} as const;

const MIB = 1024 * 1024;
const LARGE_BYTES = 100 * MIB;
const HALF = ACCEPTED.length >> 1;
const TRICKLE_MS = 20;

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

function row(
  name: string,
  end: (typeof END)[keyof typeof END],
  httpStatus: number | null,
  reply: string | Buffer | ((socket: Socket) => void),
): Misbehaviour {
  const write = typeof reply === 'function' ? reply : (socket: Socket) => void socket.write(reply);
  return { name, answer: write, httpStatus, isEndless: false, ...end };
}

/** A row that only the deadline of the call ends. */
function endlessRow(...parts: Parameters<typeof row>): Misbehaviour {
  return { ...row(...parts), isEndless: true };
}

/** Answers with a body in these content codings. */
const coded =
  (codings: string, body: Buffer, statusLine = '200 OK') =>
  (socket: Socket): void => {
    const coding = codings.replace(', raw', '');
    socket.write(`HTTP/1.1 ${statusLine}\r\ncontent-encoding: ${coding}\r\ncontent-length: ${body.length}\r\n\r\n`);
    socket.write(body);
  };

/** Writes some text, and resets the connection once the text has probably been read. */
const thenReset =
  (text: string) =>
  (socket: Socket): void => {
    socket.write(text);
    setTimeout(() => socket.resetAndDestroy(), TRICKLE_MS);
  };

/** Writes the same text again and again, while the connection is open. */
const trickle =
  (first: string, again: string) =>
  (socket: Socket): void => {
    socket.write(first);
    const timer = setInterval(() => socket.write(again), TRICKLE_MS);
    socket.once('close', () => clearInterval(timer));
  };

/** Writes 100 MiB, or until the connection is closed. */
const flood =
  (head: string, block: string) =>
  (socket: Socket): void => {
    socket.write(head);
    let leftBytes = LARGE_BYTES;
    const pump = (): void => {
      while (!socket.destroyed && leftBytes > 0) {
        leftBytes -= block.length;
        if (!socket.write(block)) return void socket.once('drain', pump);
      }
    };
    pump();
  };

/** Everything that an API may do wrong after it has read a request. docs/misbehaving-api.md has all rows. */
export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  row('200 with an HTML page', END.inDoubt, 200, answer('200 OK', '<!doctype html><title>Sign in</title>')),
  row('200 with no body', END.inDoubt, 200, answer('200 OK')),
  row('204', END.inDoubt, 204, 'HTTP/1.1 204 No Content\r\n\r\n'),
  ...Object.entries({
    gzip: gzipSync,
    deflate: deflateSync,
    'deflate, raw': deflateRawSync,
    br: brotliCompressSync,
  }).map(([name, compress]) => row(`200 in ${name}, unasked`, END.accepted, 200, coded(name, compress(ACCEPTED)))),
  row('200 in gzip within br', END.accepted, 200, coded('gzip, br', brotliCompressSync(gzipSync(ACCEPTED)))),
  row('422 in gzip', END.rejected, 422, coded('gzip', gzipSync('{"error":"no"}'), '422 No')),
  row('200 in a coding that nobody knows', END.inDoubt, 200, coded('zip', Buffer.from(ACCEPTED))),
  row('200 that says gzip and is not', END.inDoubt, 200, coded('gzip', Buffer.from(ACCEPTED))),
  row(
    '200 that unpacks to a hundred times what is read',
    END.inDoubt,
    200,
    coded('gzip', gzipSync(Buffer.alloc(LARGE_BYTES))),
  ),
  row('a MessageResponse with an id that nobody knows', END.accepted, 200, answer('200 OK', '{"id":"someone-elses"}')),
  row(
    '200 with 100 MB of announced length',
    END.inDoubt,
    200,
    flood(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE_BYTES}\r\n\r\n`, 'a'.repeat(MIB / 4)),
  ),
  row(
    '200 with 100 MB in chunks',
    END.inDoubt,
    200,
    flood('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', chunk('a'.repeat(MIB / 4))),
  ),
  row('200 cut off half-way', END.inDoubt, 200, (socket) => socket.end(answer('200 OK', ACCEPTED).slice(0, -HALF))),
  row('200 cut off half-way, in chunks', END.inDoubt, 200, (socket) =>
    socket.end(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk(ACCEPTED)}`),
  ),
  row('200 reset within the body', END.inDoubt, 200, thenReset(answer('200 OK', ACCEPTED).slice(0, -HALF))),
  row(
    '200 with a chunk of impossible length',
    END.inDoubt,
    200,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n${ACCEPTED}\r\n`,
  ),
  endlessRow(
    '200 whose body trickles past the deadline',
    END.inDoubt,
    200,
    trickle('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n', ' '),
  ),
  endlessRow('headers that trickle past the deadline', END.failed, null, trickle('HTTP/1.1 200 OK\r\n', 'x: 1\r\n')),
  endlessRow('a status line that trickles past the deadline', END.failed, null, trickle('HTTP/1.1 200 ', 'O')),
  endlessRow(
    'interim answers without end',
    END.failed,
    null,
    trickle('', 'HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n'),
  ),
  endlessRow('silence', END.failed, null, () => undefined),
  row('a reset once the request is read', END.failed, null, (socket) => socket.resetAndDestroy()),
  row('an end once the request is read', END.failed, null, (socket) => void socket.end()),
  row('a reset within the status line', END.failed, null, thenReset('HTTP/1.1 2')),
  row('a reset within the headers', END.failed, null, thenReset('HTTP/1.1 200 OK\r\ncontent-le')),
  ...[300, 301, 302, 303, 304, 307, 308].map((status) =>
    row(
      `redirect ${status}`,
      END.rejected,
      status,
      answer(`${status} Elsewhere`, '', 'location: http://127.0.0.1:9/\r\n'),
    ),
  ),
  row('100 before the answer', END.accepted, 200, `HTTP/1.1 100 Continue\r\n\r\n${answer('200 OK', ACCEPTED)}`),
  row('100, 102 and 103 before the answer, each by itself', END.accepted, 200, (socket) => {
    const parts = ['100 Continue', '102 Processing', '103 Early Hints'].map((line) => `HTTP/1.1 ${line}\r\n\r\n`);
    for (const [at, text] of [...parts, answer('200 OK', ACCEPTED)].entries())
      setTimeout(() => socket.write(text), at * 10);
  }),
  row(
    '101 to a protocol that nobody asked for',
    END.failed,
    null,
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x05hello',
  ),
  row('101 to nothing', END.failed, null, 'HTTP/1.1 101 Switching Protocols\r\n\r\n'),
  row('HTTP/1.0, its length announced', END.accepted, 200, (socket) =>
    socket.end(`HTTP/1.0 200 OK\r\ncontent-length: ${ACCEPTED.length}\r\n\r\n${ACCEPTED}`),
  ),
  row('HTTP/1.0, ended by the connection', END.accepted, 200, (socket) =>
    socket.end(`HTTP/1.0 200 OK\r\n\r\n${ACCEPTED}`),
  ),
  row('a body without any protocol', END.failed, null, (socket) => socket.end(ACCEPTED)),
  row('HTTP/2 frames, unasked', END.failed, null, Buffer.from('00000604000000000000040000ffff', 'hex')),
  row('garbage for a status line', END.failed, null, Buffer.from([0, 255, 13, 10, 13, 10, 7])),
  row('a status that is no number', END.failed, null, 'HTTP/1.1 OK 200\r\n\r\n'),
  row('one header of 1 MiB', END.failed, null, `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(MIB)}\r\n\r\n`),
  row('headers of 1 MiB together', END.failed, null, `HTTP/1.1 200 OK\r\n${'x-filler: aaaa\r\n'.repeat(MIB >> 4)}\r\n`),
  row(
    'both content-length and transfer-encoding',
    END.failed,
    null,
    `HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n${chunk(ACCEPTED)}0\r\n\r\n`,
  ),
  row(
    'two lengths that differ',
    END.failed,
    null,
    `HTTP/1.1 200 OK\r\ncontent-length: ${ACCEPTED.length}\r\ncontent-length: 5\r\n\r\n${ACCEPTED}`,
  ),
  row(
    'two answers at once',
    END.accepted,
    200,
    answer('200 OK', ACCEPTED) + answer('422 Not Yours', '{"error":"stray"}'),
  ),
  row('more body than announced', END.accepted, 200, `${answer('200 OK', ACCEPTED)}and more`),
];
