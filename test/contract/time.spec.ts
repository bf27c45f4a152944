import fc from 'fast-check';

import { isIsoDateTime, parseInstant } from '../../src/contract/time';

test('every instant is read as a Date writes it', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0100-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      expect(parseInstant(date.toISOString())).toBe(date.getTime());
    }),
  );
});

test.each([
  ['2026-11-22T12:00Z', Date.UTC(2026, 10, 22, 12)],
  ['2026-11-22T12:00:00.123456789Z', Date.UTC(2026, 10, 22, 12, 0, 0, 123)],
  ['2026-11-22T12:00:00-05:30', Date.UTC(2026, 10, 22, 17, 30)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2025-02-29T00:00:00Z', null],
  ['1900-02-29T00:00:00Z', null],
  ['0000-02-29T00:00:00Z', -62_162_121_600_000],
  ['2026-11-22T12:00:60Z', null],
  ['2026-11-22t12:00:00z', null],
  ['2026-11-22T12:00:00Z\n', null],
])('%j is the instant %j', (text, instant) => {
  expect(parseInstant(text)).toBe(instant);
});

test.each([
  ['2026-11-22', true],
  ['2026-11-22T12:00', true],
  ['2026-11-22T12:00:00+0100', true],
  ['2026-11-22T', false],
  ['20261122', false],
  ['2026-00-10', false],
  [20_261_122, false],
])('whether %j is a date and time: %j', (value, expected) => {
  expect(isIsoDateTime(value)).toBe(expected);
});
