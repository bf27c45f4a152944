import fc from 'fast-check';
import type { Outcome } from '../../src/contract/outcome';
import { reportText } from '../../src/dead-letters/report';
import { Tally } from '../../src/dead-letters/tally';
import { countText, listText, showText, toExported, toListed } from '../../src/dead-letters/views';
import { deadLetter } from './fixtures';
import type { DeadLetter } from '../../src/dead-letters/dead-letter';

/** Everything that all commands print about a letter without `--show-content`. */
function allOutputs(letter: DeadLetter): string {
  const tally = new Tally();
  tally.add(letter);
  const impossible = [{ place: letter.place, why: 'truncated' as const }];
  const report = { end: 'complete' as const, planned: tally, redriven: 0, skipped: new Map(), impossible };
  return [
    listText([toListed(letter, false)]),
    JSON.stringify(toListed(letter, false)),
    JSON.stringify(toExported(letter, false)),
    showText(letter, false),
    countText(tally),
    JSON.stringify(tally.list()),
    reportText(report, true),
  ].join('\n');
}

/** A text that is not part of the commands' own output. */
const secret = fc
  .string({ unit: fc.constantFrom('ä', 'ö', 'ß', 'Ж', '字', 'q', 'x', 'z', ' '), minLength: 6, maxLength: 30 })
  .map((text) => `Ω${text}Ω`);
const phone = fc.integer({ min: 10 ** 7, max: 10 ** 14 }).map((digits) => `+${digits}`);
const refused = fc.constantFrom<Outcome>('rejected', 'failed', 'in-doubt');

describe('content', () => {
  it('is in no output unless it is asked for, even if the error quotes it', () => {
    const content = fc.record({ text: secret, phone, contact: secret, key: secret, own: secret, deep: secret });
    fc.assert(
      fc.property(
        content,
        refused,
        fc.boolean(),
        ({ text, phone: number, contact, key, own, deep }, outcome, readable) => {
          const request = {
            recepient: { phoneNumber: number },
            contact: { id: contact },
            workspace: { id: 'w-1' },
            textMessage: text,
            elements: [{ parts: [deep] }],
          };
          const value = JSON.stringify({ id: 'c-1', type: 'text', request });
          const error = readable
            ? `cannot send ${text} to ${number} of ${contact} with ${deep} (${key})`
            : `no ${number}`;
          const letter = deadLetter({
            key,
            // A cut value is not JSON: only long numbers in the error can be recognised.
            value: readable ? value : value.slice(0, -1),
            own: { 'x-own': own, list: [own, own], campaign: 'spring' },
            outcome,
            error,
          });
          const printed = allOutputs(letter);
          for (const hidden of [text, number, contact, key, own, deep]) {
            expect(printed).not.toContain(hidden);
            expect(printed).not.toContain(Buffer.from(hidden).toString('base64').slice(0, 8));
          }
        },
      ),
    );
  });

  it('is shown whole if it is asked for', () => {
    const letter = deadLetter({ key: '+4915112345678', own: { 'x-own': 'mine' }, error: 'no +4915112345678' });
    const shown = showText(letter, true);
    for (const part of ['mine', 'no +4915112345678', 'c-0-0']) expect(shown).toContain(part);
    const { key, value } = toExported(letter, true);
    expect(Buffer.from(key ?? '', 'base64').toString()).toBe('+4915112345678');
    expect(Buffer.from(value ?? '', 'base64').toString('latin1')).toBe(letter.record.value);
  });

  it('is removed from an error without the words that say why', () => {
    expect(
      toListed(deadLetter({ outcome: 'invalid', error: 'request.textMessage: must be a text' }), false).error,
    ).toBe('request.textMessage: must be a text');
    expect(toListed(deadLetter({ error: 'HTTP 503 of w-1, code 131056' }), false).error).toBe(
      'HTTP 503 of w-1, code 131056',
    );
  });

  it('is removed from an error even if it is the name of a field', () => {
    const letter = deadLetter({ outcome: 'invalid', error: 'request.+49 151 12345678: must be absent' });
    expect(toListed(letter, false).error).toBe('request.[redacted]: must be absent');
  });

  it('cannot control a terminal, and cannot make one letter look like two', () => {
    const error = 'red \u001b[31m\nnext\u2028line \u202e';
    const letter = deadLetter({ error, own: { 'x\u001b[0m': 'v' }, outcome: 'rejected' });
    expect(listText([toListed(letter, true)]).split('\n')).toHaveLength(2);
    const printed = listText([toListed(letter, true)]) + showText(letter, true);
    for (const steering of ['\u001b', '\u2028', '\u202e']) expect(printed).not.toContain(steering);
  });
});
