import fc from 'fast-check';
import { RequestParser } from '../../sandbox/http-parser.ts';
import type { ParserLimits } from '../../sandbox/http-parser.ts';

/** All calls of the sink, as plain data. */
function parse(pieces: readonly Buffer[], limits?: ParserLimits): unknown[] {
  const seen: unknown[] = [];
  const parser = new RequestParser(
    {
      onRequest: (request) => seen.push({ ...request, body: request.body.toString('latin1') }),
      onContinue: () => seen.push('continue'),
      onFailure: (failure) => seen.push(failure),
    },
    limits,
  );
  for (const piece of pieces) parser.push(Buffer.from(piece));
  return seen;
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length));
}

function post(headers: string, body = ''): string {
  return `POST /p HTTP/1.1\r\nHost: h\r\n${headers}\r\n${body}`;
}

const asIs = (text: string): Buffer => Buffer.from(text, 'latin1');

const sized = fc
  .record({
    body: fc.string({ maxLength: 60 }).map((text) => Buffer.from(text).toString('latin1')),
    key: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
    expects: fc.boolean(),
    closes: fc.boolean(),
  })
  .map(({ body, key, expects, closes }) => {
    const expect = expects ? 'Expect: 100-continue\r\n' : '';
    const connection = closes ? 'Connection: close\r\n' : '';
    return post(`Idempotency-Key:  ${key} \r\n${expect}${connection}Content-Length: ${body.length}\r\n`, body);
  });
const chunked = fc
  .record({ chunks: fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'binary-ascii' })), trailer: fc.boolean() })
  .map(({ chunks, trailer }) => {
    const data = chunks.map((chunk) => `${chunk.length.toString(16)};ext=1\r\n${chunk}\r\n`).join('');
    return post('transfer-encoding: Chunked\r\n', `${data}0\r\n${trailer ? 'X-Sum: 1\r\n' : ''}\r\n`);
  });
const rubbish = fc.constantFrom(
  'GET  HTTP/1.1\r\n\r\n',
  'GET / HTTP/2.0\r\n\r\n',
  '\r\n\r\nGET / HTTP/1.0\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab'),
  post('X : y\r\n'),
  post('Transfer-Encoding: chunked\r\n', 'zz\r\n'),
  post('Transfer-Encoding: chunked\r\n', '3\r\nabcd\r\n'),
  post(`X: ${'y'.repeat(300)}\r\n`),
  post('Content-Length: 3000\r\n'),
);
const stream = fc.array(fc.oneof({ weight: 4, arbitrary: sized }, { weight: 3, arbitrary: chunked }, rubbish), {
  maxLength: 5,
});

describe('RequestParser', () => {
  const limits = { headBytes: 256, bodyBytes: 2048 };

  it('sees the same requests however the bytes are split', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (requests, cuts) => {
        const bytes = asIs(requests.join(''));
        expect(parse(split(bytes, cuts), limits)).toEqual(parse([bytes], limits));
      }),
      { numRuns: 500 },
    );
  });

  it('sees the same requests byte by byte, and damaged ones too', () => {
    fc.assert(
      fc.property(stream, fc.nat(), fc.nat(255), (requests, where, byte) => {
        const bytes = asIs(requests.join(''));
        if (bytes.length > 0) bytes[where % bytes.length] = byte;
        const single = Array.from(bytes, (each) => Buffer.of(each));
        expect(parse(single, limits)).toEqual(parse([bytes], limits));
      }),
      { numRuns: 300 },
    );
  });

  it('returns every body that was sent, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.array(fc.nat()), (bodies, cuts) => {
        const bytes = Buffer.concat(
          bodies.flatMap((body) => [asIs(post(`Content-Length: ${body.length}\r\n`)), Buffer.from(body)]),
        );
        expect(parse(split(bytes, cuts))).toEqual(
          bodies.map((body) => expect.objectContaining({ body: Buffer.from(body).toString('latin1') })),
        );
      }),
    );
  });

  it('reads the headers it is asked for in any case, without outer blanks', () => {
    const head = 'X-API-Key: \t k1 \r\ncontent-TYPE:application/json\r\nIdempotency-key: a-1\r\nX-Other: o\r\n';
    expect(parse([asIs(post(head))])).toEqual([
      {
        method: 'POST',
        target: '/p',
        apiKey: 'k1',
        idempotencyKey: 'a-1',
        contentType: 'application/json',
        keepAlive: true,
        body: '',
      },
    ]);
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: Close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
  ])('knows from %s and "%s" whether the connection stays', (version, header, keepAlive) => {
    const [request] = parse([asIs(`GET / ${version}\r\nHost: h\r\n${header}\r\n`)]);
    expect(request).toMatchObject({ keepAlive });
  });

  it('reports that a request waits for 100 Continue before its body has arrived', () => {
    expect(parse([asIs(post('Expect: 100-continue\r\nContent-Length: 3\r\n'))])).toEqual(['continue']);
  });

  it.each([
    ['a bare line feed', 'GET / HTTP/1.1\nHost: h\n\n', 400],
    ['a folded header', post('X: a\r\n b\r\n'), 400],
    ['a blank before the colon', post('X : a\r\n'), 400],
    ['two lengths', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'a'), 400],
    ['a length beside chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
    ['a signed length', post('Content-Length: +1\r\n', 'a'), 400],
    ['a repeated key', post('Idempotency-Key: a\r\nIdempotency-Key: b\r\n'), 400],
    ['a missing host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a control character in a value', post('X: a\u0000b\r\n'), 400],
    ['another transfer coding', post('Transfer-Encoding: gzip, chunked\r\n'), 501],
    ['another version', 'GET / HTTP/3.0\r\n\r\n', 505],
    ['a long head', post(`X: ${'y'.repeat(300)}\r\n`), 431],
    ['a long body', post('Content-Length: 2049\r\n'), 413],
    ['a long chunk', post('Transfer-Encoding: chunked\r\n', '801\r\n'), 413],
    ['a long trailer', post('Transfer-Encoding: chunked\r\n', `0\r\nX: ${'y'.repeat(300)}\r\n`), 431],
  ])('refuses %s and reads nothing after it', (_name, text, status) => {
    expect(parse([asIs(text + post(''))], limits)).toEqual([expect.objectContaining({ status })]);
  });
});
