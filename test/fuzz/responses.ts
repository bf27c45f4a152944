import fc from 'fast-check';
import { judgeAnswer, type End } from './answer-oracle';
import { applyByteEdits, byteEdits } from './bytes';

/** What an API sends for one request, and in how many pieces. */
export interface FuzzedAnswer {
  readonly bytes: Buffer;
  /** Where the bytes are split, as fractions of their number. */
  readonly splits: readonly number[];
  readonly end: End;
}

/** The client's limit. It is so low that many answers exceed it. */
export const MAX_BODY_BYTES = 8_192;

const OFTEN = [
  200, 200, 200, 200, 201, 202, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 429,
  500, 502, 503, 503, 504,
];
const statuses = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...OFTEN) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) },
);

const fieldValues = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'msg_81',
    null,
    0,
    -0,
    1e21,
    7,
    81.5,
    true,
    false,
    [],
    {},
    ['x'],
    { toString: 1 },
    '\ud83d\ude00',
    '\u0000',
  ),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
);
const errors = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>('', null) },
  { weight: 2, arbitrary: fieldValues },
);
const responses = fc
  .tuple(
    fieldValues,
    fieldValues,
    errors,
    fc.subarray(['id', 'status', 'error']),
    fc.constantFrom('__proto__', 'constructor', 'message', 'toString', 'extra'),
  )
  .map(([id, status, error, names, more]) => {
    const members = Object.entries({ id, status, error }).filter(([name]) => names.includes(name));
    const all = [...members, [more, 'x']];
    return `{${all.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  });

const bodies = fc.oneof(
  { weight: 5, arbitrary: fc.constant('{"id":"msg_81","status":"queued","error":""}') },
  { weight: 5, arbitrary: responses },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '{}',
      '[]',
      'null',
      '{',
      '{"id":"msg_81"',
      '{"id":"\\ud800"}',
      '{"id":1,"id":2}',
      '\ufeff{"id":"msg_81"}',
      '<html><body>OK</body></html>',
      '{"error":""}HTTP/1.1 200 OK\r\n\r\n',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1_000, 8_191, 8_192, 8_193, 20_000).map((size) => `{"id":"${'x'.repeat(size - 9)}"}`),
  },
  { weight: 1, arbitrary: fc.constantFrom(500, 4_000).map((levels) => '['.repeat(levels) + ']'.repeat(levels)) },
);

const RETRY_AFTER = [
  '0',
  '1',
  '30',
  '86400',
  '1.5',
  '-1',
  '1e3',
  '',
  'soon',
  '99999999999999999999',
  '0x10',
  ' 7 ',
  '1, 2',
  'Wed, 25 Nov 2026 12:00:00 GMT',
  'Wed, 31 Feb 2026 12:00:00 GMT',
  'Wed, 25 Nov 2026 25:00:00 GMT',
];
const lines = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...RETRY_AFTER).map((value) => `Retry-After: ${value}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'Content-Type: application/json',
      'Content-Type: text/html; charset=latin1',
      'Connection: close',
      'Connection: keep-alive',
      'Connection: upgrade',
      'Keep-Alive: timeout=0',
      'Keep-Alive: timeout=999999999',
      'Location: http://127.0.0.1:1/',
      'Set-Cookie: a=b',
      'Server: x',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '__proto__: x',
      'constructor: x',
      'toString: x',
      'x: \u0000',
      'x : y',
      ': y',
      'x',
      ' folded',
      'x:',
      'x:\ty\t',
      'ü: y',
      'x: \u00ff',
      'x: a\nb',
      'x: a\rb',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'Content-Length: 5',
      'Content-Length: 0',
      'Content-Length: -1',
      'Content-Length: 1,1',
      'Content-Length: 99999999999999999999',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: gzip, chunked',
      'Transfer-Encoding: identity',
      'Content-Encoding: gzip',
      'Upgrade: h2c',
      'Trailer: x',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(100, 4_000, 9_000, 17_000, 70_000).map((size) => `X-Large: ${'x'.repeat(size)}`),
  },
);

const framings = fc.oneof(
  { weight: 6, arbitrary: fc.constant('length' as const) },
  { weight: 4, arbitrary: fc.constant('chunked' as const) },
  { weight: 2, arbitrary: fc.constant('close' as const) },
);

const structure = fc.record({
  interim: fc.oneof(
    { weight: 12, arbitrary: fc.constant<number[]>([]) },
    { weight: 2, arbitrary: fc.array(fc.constantFrom(102, 103, 103, 100, 101, 199), { maxLength: 3 }) },
  ),
  version: fc.oneof(
    { weight: 14, arbitrary: fc.constant('HTTP/1.1') },
    { weight: 1, arbitrary: fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'ICY', '') },
  ),
  status: statuses,
  reason: fc.oneof(
    { weight: 8, arbitrary: fc.constant(' OK') },
    { weight: 2, arbitrary: fc.constantFrom('', ' ', ' Nöt', ' \u0000', '  two', ' OK\nx: y', 'OK') },
  ),
  framing: framings,
  skew: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -60, max: 60 }) }),
  chunk: fc.constantFrom(1, 7, 16, 5_000),
  chunkFault: fc.oneof(
    { weight: 9, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom(';x=y', 'g', ' ', '0', '\t', '-', ';"', 'ffffffffffff') },
  ),
  fields: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.array(lines, { maxLength: 3 }) },
  ),
  body: bodies,
  trailing: fc.oneof(
    { weight: 14, arbitrary: fc.constant('') },
    {
      weight: 1,
      arbitrary: fc.constantFrom('x', '\r\n', '{"id":"2"}', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'),
    },
  ),
});

interface Structure {
  readonly interim: readonly number[];
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly framing: 'length' | 'chunked' | 'close';
  readonly skew: number;
  readonly chunk: number;
  readonly chunkFault: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailing: string;
}

/** Answers of an API: right ones, some with a fault in their structure, and some with damaged bytes. */
export const fuzzedAnswers: fc.Arbitrary<FuzzedAnswer> = fc
  .record({
    structure,
    bytes: byteEdits,
    cutAt: fc.oneof({ weight: 11, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(9_999) }),
    splits: fc.oneof(
      { weight: 2, arbitrary: fc.constant<number[]>([]) },
      {
        weight: 1,
        arbitrary: fc.array(
          fc.nat(9_999).map((part) => part / 10_000),
          { maxLength: 6 },
        ),
      },
    ),
    end: fc.constantFrom<End>('keep', 'keep', 'close', 'reset'),
    /** Answers that only a deadline ends are rare, because each takes until its deadline. */
    mayWait: fc.nat(39).map((value) => value === 0),
  })
  .map(({ structure: made, bytes: edits, cutAt, splits, end, mayWait }) => {
    const whole = applyByteEdits(write(made), edits);
    const bytes = cutAt === null ? whole : whole.subarray(0, Math.floor((cutAt / 10_000) * whole.length));
    const waits = judgeAnswer(bytes, end, MAX_BODY_BYTES).isEndless;
    return {
      bytes,
      splits: splits.toSorted((a, b) => a - b),
      end: waits && end === 'keep' && !mayWait ? 'close' : end,
    };
  });

function write({ interim, version, status, reason, fields, trailing, ...content }: Structure): Buffer {
  const heads = interim.map((each) => `HTTP/1.1 ${each} Wait\r\nx: y\r\n\r\n`).join('');
  const { framing, skew, body } = content;
  const length = Math.max(0, Buffer.byteLength(body) + skew);
  const frame = { length: [`Content-Length: ${length}`], chunked: ['Transfer-Encoding: chunked'], close: [] }[framing];
  const head = [`${version} ${status}${reason}`, ...frame, ...fields].join('\r\n');
  return Buffer.concat([
    Buffer.from(heads),
    Buffer.from(`${head}\r\n\r\n`, 'latin1'),
    framing === 'chunked' ? chunked(content) : Buffer.from(body),
    Buffer.from(trailing),
  ]);
}

function chunked({ body, chunk, chunkFault, skew }: Pick<Structure, 'body' | 'chunk' | 'chunkFault' | 'skew'>): Buffer {
  const bytes = Buffer.from(body);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) {
    const piece = bytes.subarray(at, at + chunk);
    const isFaulty = at + chunk >= bytes.length;
    const size = Math.max(0, piece.length + (isFaulty ? skew : 0)).toString(16);
    parts.push(Buffer.from(`${size}${isFaulty ? chunkFault : ''}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
