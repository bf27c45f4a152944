import fc from 'fast-check';
import { classify } from '../../src/messages-api/classify';
import type { Incomplete } from '../../src/messages-api/classify';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const INCOMPLETE: readonly Incomplete[] = ['timeout', 'cut-off', 'too-large', 'undecodable', 'unknown-coding'];

function classified(status: number, body: string | Buffer, retryAfter?: string): ReturnType<typeof classify> {
  return classify({ status, retryAfter, body: Buffer.from(body) }, NOW);
}

describe('classify, 2xx', () => {
  it.each([
    ['{"id":"m1","status":"queued","error":""}', { id: 'm1', status: 'queued', error: '' }],
    ['{"id":"m1","status":"queued","error":null}', { id: 'm1', status: 'queued', error: '' }],
    ['{"id":"m1"}', { id: 'm1', status: '', error: '' }],
    ['{}', { id: '', status: '', error: '' }],
    ['{"id":null,"status":null}', { id: '', status: '', error: '' }],
    ['{"id":81,"status":true}', { id: '81', status: 'true', error: '' }],
    ['{"__proto__":{"error":"x"},"id":"m"}', { id: 'm', status: '', error: '' }],
    ['\ufeff {"id":"ü","more":[{}]}\n', { id: 'ü', status: '', error: '' }],
  ])('takes %s for accepted', (body, response) => {
    expect(classified(200, body)).toEqual({ kind: 'accepted', httpStatus: 200, response });
  });

  it.each([['17841400008460056123'], ['9007199254740993'], ['-9007199254740993'], ['1.50'], ['1e400']])(
    'keeps the digits of the id %s as they stand',
    (digits) => {
      const body = `{"data":{"id":1.25},"id":${digits},"status":"queued"}`;
      expect(classified(200, body)).toMatchObject({ kind: 'accepted', response: { id: digits } });
    },
  );

  it('cuts fields that are too long for a result', () => {
    const long = { id: 'i'.repeat(1_000_000), status: 's'.repeat(5_000), error: '😀'.repeat(5_000) };
    const result = classified(200, JSON.stringify(long));
    expect(result).toMatchObject({
      kind: 'rejected',
      response: { id: 'i'.repeat(1_024), status: 's'.repeat(1_024), error: '😀'.repeat(1_000) },
    });
  });

  it('takes a non-empty error for a rejection and keeps every field', () => {
    expect(classified(202, '{"id":"m1","status":"failed","error":"blocked"}')).toEqual({
      kind: 'rejected',
      httpStatus: 202,
      response: { id: 'm1', status: 'failed', error: 'blocked' },
    });
  });

  it.each([
    '',
    '<html>secret</html>',
    '{"id":"secret"',
    'null',
    '"secret"',
    '[]',
    '42',
    '{"id":{}}',
    '{"status":[]}',
    '{"error":{"code":1}}',
    '{"error":false}',
    '{"error":0}',
    Buffer.from('{"id":"secret\xff"}', 'latin1'),
    '[{'.repeat(100_000),
  ])('takes any other body for unreadable, without repeating it (case %#)', (body) => {
    const result = classified(200, body);
    expect(result).toMatchObject({ kind: 'unreadable', httpStatus: 200 });
    expect(JSON.stringify(result)).not.toContain('secret');
  });

  it.each(INCOMPLETE)('takes a body that is %s for unreadable', (body) => {
    expect(classify({ status: 201, retryAfter: undefined, body }, NOW)).toMatchObject({
      kind: 'unreadable',
      httpStatus: 201,
    });
  });
});

describe('classify, other statuses', () => {
  const body = '{"id":"m1","status":"x","error":"why"}';

  it.each([
    [429, undefined, { kind: 'limited', httpStatus: 429, retryAfterMs: null, detail: 'why' }],
    [429, 'soon', { kind: 'limited', httpStatus: 429, retryAfterMs: null, detail: 'why' }],
    [429, '7', { kind: 'limited', httpStatus: 429, retryAfterMs: 7000, detail: 'why' }],
    [429, 'Sun, 22 Nov 2026 12:00:09 GMT', { kind: 'limited', httpStatus: 429, retryAfterMs: 9000, detail: 'why' }],
    [503, '0', { kind: 'limited', httpStatus: 503, retryAfterMs: 0, detail: 'why' }],
    [503, '7', { kind: 'limited', httpStatus: 503, retryAfterMs: 7000, detail: 'why' }],
    [503, undefined, { kind: 'perhaps-sent', reason: 'status', httpStatus: 503, detail: 'why' }],
    [503, '-1', { kind: 'perhaps-sent', reason: 'status', httpStatus: 503, detail: 'why' }],
    [500, '7', { kind: 'perhaps-sent', reason: 'status', httpStatus: 500, detail: 'why' }],
    [401, undefined, { kind: 'unauthorized', httpStatus: 401, response: { id: 'm1', status: 'x', error: 'why' } }],
    [403, undefined, { kind: 'forbidden', httpStatus: 403, response: { id: 'm1', status: 'x', error: 'why' } }],
  ])('reads %d with Retry-After %s', (status, retryAfter, expected) => {
    expect(classified(status, body, retryAfter)).toEqual(expected);
  });

  it.each([408, 425, 500, 501, 502, 504, 507, 529, 599, 600, 999])('takes %d for perhaps sent', (status) => {
    expect(classified(status, body)).toMatchObject({ kind: 'perhaps-sent', reason: 'status', httpStatus: status });
  });

  it.each([
    301, 302, 303, 304, 307, 308, 400, 402, 404, 405, 409, 410, 413, 415, 418, 422, 426, 428, 431, 451, 499, 101,
  ])('takes %d for a rejection with the words of the API', (status) => {
    expect(classified(status, body)).toEqual({
      kind: 'rejected',
      httpStatus: status,
      response: { id: 'm1', status: 'x', error: 'why' },
    });
  });

  it.each([
    ['{"message":"no such contact"}', 'no such contact'],
    ['{"error":"","message":"no such contact"}', 'no such contact'],
    ['{"error":{"code":1},"message":"no such contact","id":[]}', 'no such contact'],
    ['{"statusCode":422,"message":["a is b","c is d"],"error":"Unprocessable Entity"}', 'a is b; c is d'],
    ['{"statusCode":422,"message":"a is b","error":"unprocessable entity"}', 'a is b'],
    ['{"error":"422 Unprocessable Entity","detail":"a"}', 'a'],
    ['{"error":"Unprocessable Entity"}', 'Unprocessable Entity'],
    ['{"error":{"message":"template paused","code":132015}}', 'template paused'],
    ['{"errors":[],"error":{"errors":[{"message":"deep"}]}}', 'deep'],
    ['{"type":"about:blank","title":"Unprocessable Entity","detail":"not approved"}', 'not approved'],
    ['{"title":"Out of credit"}', 'Out of credit'],
    ['{"error":" ","message":[null,1,""]}', 'HTTP 422'],
    ['{"error":' + '['.repeat(2_000) + '"x"' + ']'.repeat(2_000) + '}', 'HTTP 422'],
    [JSON.stringify({ error: 'e'.repeat(100_000) }), 'e'.repeat(2_000)],
    [JSON.stringify({ message: Array(100_000).fill('long') }), 'long; '.repeat(400).slice(0, 2_000)],
    ['{"error":"bad","message":"other"}', 'bad'],
    ['{}', 'HTTP 422'],
    ['[]', 'HTTP 422'],
    ['<html>', 'HTTP 422'],
    ['', 'HTTP 422'],
  ])('words the rejection of %s as %j', (text, error) => {
    expect(classified(422, text)).toEqual({
      kind: 'rejected',
      httpStatus: 422,
      response: { id: '', status: '', error },
    });
  });

  it.each([401, 403])('keeps the words of a %d', (status) => {
    expect(classified(status, '{"id":"7","status":"failed","error":"contact opted out"}')).toMatchObject({
      response: { id: '7', status: 'failed', error: 'contact opted out' },
    });
  });

  it.each([408, 429, 500, 503])('keeps the words of a %d', (status) => {
    expect(classified(status, '{"message":"come back later"}')).toMatchObject({ detail: 'come back later' });
  });

  it.each(INCOMPLETE)('lets the status decide if the body is %s', (incomplete) => {
    const kindOf = (status: number): string => classify({ status, retryAfter: '3', body: incomplete }, NOW).kind;
    expect([400, 401, 403, 408, 429, 500, 503, 307].map(kindOf)).toEqual([
      'rejected',
      'unauthorized',
      'forbidden',
      'perhaps-sent',
      'limited',
      'perhaps-sent',
      'limited',
      'rejected',
    ]);
  });
});

it('classify has an answer for every status, body and Retry-After', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.oneof(fc.json(), fc.string(), fc.constantFrom(...INCOMPLETE)),
      fc.option(fc.string(), { nil: undefined }),
      (status, text, retryAfter) => {
        const body = INCOMPLETE.find((reason) => reason === text) ?? Buffer.from(text);
        const result = classify({ status, retryAfter, body }, NOW);
        expect(result.httpStatus).toBe(status);
        const saysError = 'response' in result && result.response.error !== '';
        expect(saysError).toBe(['rejected', 'unauthorized', 'forbidden'].includes(result.kind));
      },
    ),
  );
});
