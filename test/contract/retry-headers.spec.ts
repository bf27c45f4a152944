import fc from 'fast-check';
import type { Headers } from '../../src/contract/headers';
import { dueAtMs, type NextRound, readReturned, retryHeaders } from '../../src/contract/retry-headers';

const OURS = ['retry-due', 'retry-round', 'retry-own-key', 'outcome', 'error', 'attempts', 'kafka_dlt-original-topic'];

const name = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('__proto__', 'constructor', 'toString', ...OURS));
const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each));
const headers: fc.Arbitrary<Headers> = fc
  .array(fc.tuple(name, fc.oneof(bytes, fc.array(bytes, { maxLength: 3 }), fc.constant(undefined))), { maxLength: 8 })
  .map((entries) => Object.assign(Object.create(null) as Headers, Object.fromEntries(entries)));
const parking = fc.record({
  source: fc.record({
    topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/),
    partition: fc.nat(),
    offset: fc.nat().map(String),
  }),
  timestamp: fc.oneof(fc.nat(), fc.constantFrom(-1, 0, 253_402_300_800_000, -(2 ** 63), 2 ** 63)).map(String),
  outcome: fc.constant('failed' as const),
  error: fc.string({ maxLength: 3_000 }),
  attempts: fc.nat(1_000),
  round: fc.integer({ min: 1, max: 20 }),
  dueAtMs: fc.maxSafeInteger().filter((ms) => ms >= 0),
  hasOwnKey: fc.boolean(),
}) satisfies fc.Arbitrary<NextRound>;

const record = (own: Headers) => ({
  topic: 'm.retries.whatsapp.1m',
  partition: 1,
  offset: 5,
  timestampMs: 9,
  key: 'k',
  value: 'v',
  headers: own,
});

describe('the headers of a retry record', () => {
  it('bring the command back unchanged, whatever headers it has', () => {
    fc.assert(
      fc.property(headers, parking, (own, parked) => {
        const returned = readReturned(record(retryHeaders(own, parked)));
        expect(returned).toMatchObject({
          origin: {
            topic: parked.source.topic,
            partition: parked.source.partition,
            offset: Number(parked.source.offset),
            timestampMs: Number(parked.timestamp),
            key: parked.hasOwnKey ? 'k' : null,
            value: 'v',
          },
          round: parked.round,
          attempts: parked.attempts,
          dueAtMs: parked.dueAtMs,
        });
        const kept = Object.entries(own).filter(([key]) => !OURS.includes(key));
        expect(Object.entries(returned?.origin.headers ?? {})).toEqual(expect.arrayContaining(kept));
        expect(Object.keys(returned?.origin.headers ?? {})).toHaveLength(kept.length);
      }),
    );
  });

  it('are replaced in each round, and do not accumulate', () => {
    fc.assert(
      fc.property(headers, parking, parking, (own, first, second) => {
        const once = readReturned(record(retryHeaders(own, first)));
        const twice = readReturned(record(retryHeaders(once?.origin.headers ?? {}, second)));
        expect(Object.keys(twice?.origin.headers ?? {})).toEqual(Object.keys(once?.origin.headers ?? {}));
        expect(twice?.round).toBe(second.round);
      }),
    );
  });

  it('make no retry record if they are foreign, missing or damaged, and never throw', () => {
    fc.assert(
      fc.property(headers, (own) => {
        expect(readReturned(record(own))).toBeNull();
        expect(dueAtMs(own) ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
    expect(dueAtMs({ 'retry-due': '-5' })).toBeNull();
    expect(dueAtMs({ 'retry-due': '1e3' })).toBeNull();
  });
});
