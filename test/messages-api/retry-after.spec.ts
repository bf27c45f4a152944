import fc from 'fast-check';
import { parseRetryAfter } from '../../src/messages-api/retry-after';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['1', 1000],
    ['120', 120_000],
    ['007', 7000],
    [' 5 ', 5000],
    ['1.5', 1500],
    ['0.0001', 1],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
    ['Sun Nov 22 12:00:30 2026', 30_000],
    ['Sat Nov  7 12:00:30 2026', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Thu, 01 Jan 0099 00:00:00 GMT', 0],
    ['Wednesday, 01-Jan-97 00:00:00 GMT', 0],
    ['Sun, 22 Nov 2026 12:00:60 GMT', 60_000],
    ['Tue, 29 Feb 2028 00:00:00 GMT', Date.UTC(2028, 1, 29) - NOW],
  ])('reads %j as %d ms', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });

  it.each([
    undefined,
    '',
    ' ',
    'soon',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1,5',
    '.5',
    '5.',
    '1 2',
    '5s',
    'Infinity',
    'NaN',
    '9'.repeat(16),
    '9'.repeat(400),
    '2026-11-22T12:00:30Z',
    'Sun, 22 Nov 2026 12:00:30',
    'Sun, 22 Nov 2026 12:00:30 CET',
    'Sun, 22 Nov 2026 24:00:00 GMT',
    'Sun, 31 Nov 2026 12:00:00 GMT',
    'Mon, 29 Feb 2027 00:00:00 GMT',
    'Sun, 00 Nov 2026 12:00:00 GMT',
    'Son, 22 Nov 2026 12:00:00 GMT',
    'Sun, 22 Nov 2026 12:00:00 GMT, 5',
  ])('treats %j as absent', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeNull();
  });

  it('reads every date that toUTCString writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62e12 / 1000, max: 253_402_300_799 }), (seconds) => {
        const value = new Date(seconds * 1000).toUTCString();
        expect(parseRetryAfter(value, NOW)).toBe(Math.max(0, seconds * 1000 - NOW));
      }),
    );
  });

  it('returns a whole number of at least zero, or null, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+\d.e ]{0,30}$/)), (value) => {
        const waitMs = parseRetryAfter(value, NOW);
        expect(waitMs === null || (Number.isSafeInteger(waitMs) && waitMs >= 0)).toBe(true);
      }),
    );
  });
});
