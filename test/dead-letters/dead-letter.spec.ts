import fc from 'fast-check';
import { HEADER } from '../../src/contract/headers';
import { parsePlace, readDeadLetter, spellPlace } from '../../src/dead-letters/dead-letter';
import { deadLetter, deadLetterRecord, topics } from './fixtures';

describe('a dead letter', () => {
  it('says why it was written, where it came from and whose command it is', () => {
    expect(deadLetter({ topic: 'm.commands.telegram.bulk', own: { campaign: 'spring' }, offset: 7 })).toMatchObject({
      place: { partition: 0, offset: 7 },
      outcome: 'failed',
      error: 'away',
      attempts: 5,
      isTruncated: false,
      origin: { topic: 'm.commands.telegram.bulk', partition: 0, offset: '3', timestampMs: 1_700_000_000_000 },
      channel: 'telegram',
      lane: 'bulk',
      commandId: 'c-0-7',
      workspaceId: 'w-1',
      campaign: 'spring',
    });
  });

  it.each([
    ['a tombstone', null],
    ['malformed JSON', '{"id":'],
    ['an array', '["c-1"]'],
    ['invalid ids', '{"id":{},"request":{"workspace":{"id":7}}}'],
  ])('of %s has neither command nor workspace', (_, value) => {
    expect(deadLetter({ value })).toMatchObject({ commandId: null, workspaceId: null });
  });

  it('is read whatever the record is', () => {
    const header = fc.oneof(
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    const names = fc.oneof(fc.constantFrom(...Object.values(HEADER), '__proto__', 'constructor'), fc.string());
    const headers = fc.dictionary(names, fc.oneof(header, fc.array(header)));
    fc.assert(
      fc.property(headers, fc.option(fc.oneof(fc.string(), fc.json())), (own, value) => {
        const record = { ...deadLetterRecord({ value }), headers: own };
        expect(readDeadLetter(record, topics).place).toEqual({ partition: 0, offset: 0 });
      }),
    );
  });
});

describe('a place', () => {
  it('is read as it is written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.maxSafeNat(), (partition, offset) => {
        expect(parsePlace(spellPlace({ partition, offset }))).toEqual({ partition, offset });
      }),
    );
  });

  it.each(['', '3', '3/', '/3', '-1/3', '1/2/3', '1/0x3', '1/9999999999999999', 'a/b'])('is not %j', (text) => {
    expect(parsePlace(text)).toBeNull();
  });
});
