import { STATUS_CODES } from 'node:http';

/**
 * An HTTP answer without the parts that depend on the connection. Body and headers are ASCII; each header line ends in
 * CRLF.
 */
export interface Reply {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/**
 * How an answer is sent.
 * - `whole`: the reply. `truncated`: half its body, then the connection ends. `trickle`: its body byte by byte.
 * - `huge`: the reply's headers and `HUGE_BYTES` of body.
 * - `reset`: TCP reset. `hang`: nothing, ever.
 */
export type Answer =
  | { readonly delivery: 'whole' | 'truncated' | 'trickle' | 'huge'; readonly reply: Reply }
  | { readonly delivery: 'reset' | 'hang' };

const JSON_HEADER = 'Content-Type: application/json\r\n';

export function accepted(messageId: string): Reply {
  return { status: 200, headers: JSON_HEADER, body: `{"id":"${messageId}","status":"queued","error":""}` };
}

/** A MessageResponse that gives the reason. `headers` are full lines, as in `Reply`. */
export function failed(status: number, error: string, headers = ''): Reply {
  return { status, headers: JSON_HEADER + headers, body: asciiJson({ id: '', status: 'failed', error }) };
}

export function json(status: number, value: unknown): Reply {
  return { status, headers: JSON_HEADER, body: asciiJson(value) };
}

export function whole(reply: Reply): Answer {
  return { delivery: 'whole', reply };
}

/** The head for a body of `bodyBytes` bytes, with the empty line at its end. */
export function headOf(reply: Reply, bodyBytes: number, keepAlive: boolean): string {
  return (
    statusLine(reply.status) +
    reply.headers +
    dateHeader() +
    (keepAlive ? 'Content-Length: ' : 'Connection: close\r\nContent-Length: ') +
    bodyBytes +
    '\r\n\r\n'
  );
}

function statusLine(status: number): string {
  return status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
}

let dateSecond = 0;
let dateLine = '';

/** To format a date for every answer would cost more than the rest of the head. */
function dateHeader(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateLine = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return dateLine;
}

/** ASCII only, so that a body's length is its number of bytes. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
