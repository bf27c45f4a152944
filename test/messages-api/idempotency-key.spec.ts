import fc from 'fast-check';
import { toIdempotencyKey } from '../../src/messages-api/idempotency-key';

describe('toIdempotencyKey', () => {
  it.each([
    ['0193f6c2-7e1a-7c55-9a53-2a1f0c1d7e10', '0193f6c2-7e1a-7c55-9a53-2a1f0c1d7e10'],
    ['!a~"\\', '!a~"\\'],
    ['décès 5%', 'd%C3%A9c%C3%A8s%205%25'],
    ['😀', '%F0%9F%98%80'],
    ['a\r\nx-evil: 1', 'a%0D%0Ax-evil:%201'],
    ['\ud800', '%EF%BF%BD'],
  ])('writes %j as %s', (id, expected) => {
    expect(toIdempotencyKey(id)).toBe(expected);
  });

  it('is a legal header value that can be decoded to the id, so no two ids have one key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        const key = toIdempotencyKey(id);
        expect(key).toMatch(/^[!-~]*$/);
        expect(decodeURIComponent(key)).toBe(id.toWellFormed());
      }),
    );
  });
});
